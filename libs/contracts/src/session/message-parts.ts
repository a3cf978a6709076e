import type { MessagePart } from '../generated/grpc/millrace/agent/v1/agent';
import { partInvalid } from './session.errors';

/** A message beyond this goes in parts of this size, between which others, such as heartbeats, find a place. */
export const PART_BYTES = 2 ** 20;

/** What an end that takes no parts is sent at most: versions before there were parts refuse a message of 5 MiB. */
export const WHOLE_MESSAGE_BYTES_MAX = 4 * 2 ** 20;

/**
 * Of a message in parts, which its receiver holds in memory. It is the manifest of some 300,000 tensors; Postgres keeps
 * no document of four times that.
 */
export const MESSAGE_BYTES_MAX = 64 * 2 ** 20;

/** The largest encoding that can be sent to an end. */
export function messageBytesMax(takesParts: boolean): number {
  return takesParts ? MESSAGE_BYTES_MAX : WHOLE_MESSAGE_BYTES_MAX;
}

/** Pieces of an encoded message, in order; they share its memory. */
export function messageParts(encoded: Uint8Array): MessagePart[] {
  const parts: MessagePart[] = [];
  for (let start = 0; start < encoded.length; start += PART_BYTES) {
    const length = Math.min(PART_BYTES, encoded.length - start);
    const data = Buffer.from(encoded.buffer, encoded.byteOffset + start, length);
    parts.push({ data, totalBytes: encoded.length });
  }
  return parts;
}

/** Joins the parts of one message after the other. */
export class PartJoiner {
  private pieces: Uint8Array[] = [];
  private receivedBytes = 0;
  private totalBytes = 0;

  /** The encoded message with its last part. @throws AppError SESSION.PART_INVALID */
  add({ data, totalBytes }: MessagePart): Uint8Array | undefined {
    if (this.pieces.length === 0) this.totalBytes = totalBytes;
    if (totalBytes > MESSAGE_BYTES_MAX)
      throw partInvalid(`is of ${totalBytes} bytes in all, more than ${MESSAGE_BYTES_MAX}`);
    if (totalBytes !== this.totalBytes)
      throw partInvalid(`is of ${totalBytes} bytes in all, amid one of ${this.totalBytes}`);
    if (data.length === 0) throw partInvalid('is empty');
    this.pieces.push(data);
    this.receivedBytes += data.length;
    if (this.receivedBytes > totalBytes) throw partInvalid(`goes beyond the ${totalBytes} bytes of its message`);
    if (this.receivedBytes < totalBytes) return undefined;
    const joined = Buffer.concat(this.pieces, totalBytes);
    this.pieces = [];
    this.receivedBytes = 0;
    return joined;
  }
}
