import type { MessagePart } from '../generated/grpc/millrace/agent/v1/agent';
import { partInvalid } from './session.errors';

/** A longer message is sent in parts of this size, between which other messages, such as heartbeats, can be sent. */
export const PART_BYTES = 2 ** 20;

/** No more characters of a log line, or of the reason of a failure, are stored. */
export const SENTENCE_LENGTH_MAX = 2 ** 16;

/** The largest message for an end that accepts no parts: versions from before there were parts refuse 5 MiB. */
export const WHOLE_MESSAGE_BYTES_MAX = 4 * 2 ** 20;

/**
 * The bound of a message in parts, which its receiver holds in memory. It is enough for the manifest of some 300,000
 * tensors; Postgres cannot store a document of four times this size.
 */
export const MESSAGE_BYTES_MAX = 64 * 2 ** 20;

/** The largest encoded message that can be sent to an end. */
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

  /**
   * Returns the encoded message with its last part, and undefined before that. @throws AppError SESSION.PART_INVALID
   */
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
