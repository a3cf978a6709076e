import { crc32 } from '@node-rs/crc32';
import { frameCorrupt, frameMalformed } from '../data-plane.errors';
import { type Frame, frameBytes } from '../frame';
import { TAG } from './frame-fields';
import { readFrame } from './frame-header-reader';
import { VARINT_BYTES_MAX, varintBytes, writeInteger, writeVarint } from './varint';

/** A frame, or a part of a payload too large for one message. */
export interface FrameMessage {
  readonly runId: string;
  readonly fence: number;
  /** Dense over the messages of a link, from 1, and going on over its reconnections. */
  readonly sequence: number;
  readonly frame: Omit<Frame, 'payload'>;
  /** This message's part of the payload. */
  readonly part: Uint8Array;
}

/** A message lies behind its gRPC prefix (a flag, its length) in the receiver's memory: payloads are aligned there. */
const GRPC_PREFIX_BYTES = 5;
const ALIGNMENT_BYTES = 4;
/** Of the fields that are neither text nor shape, each with its tag, and of the tags and lengths of those that are. */
const FIXED_BYTES_MAX = 14 * (1 + VARINT_BYTES_MAX);

/**
 * All of a frame's gRPC message before its payload, from the prefix on. The payload's length is written longer than it
 * needs to be where that lets the payload begin at an aligned position, so that the receiver can use it where it lies.
 */
export function encodeHead(message: FrameMessage): Buffer {
  const { part } = message;
  const head = Buffer.allocUnsafe(headBytesMax(message));
  let at = writeHeader(head, message);
  head[at++] = TAG.checksum;
  at = head.writeUInt32LE(crc32(part), at);
  head[at++] = TAG.payload;
  const lengthBytes = varintBytes(part.length);
  at = writeVarint(head, at, { value: part.length, bytes: lengthBytes + alignment(at + lengthBytes) });
  head[0] = 0;
  head.writeUInt32BE(at - GRPC_PREFIX_BYTES + part.length, 1);
  return head.subarray(0, at);
}

/** `message` is without its prefix. Errors: DATA_PLANE.FRAME_MALFORMED, DATA_PLANE.FRAME_CORRUPT. `part` is a view of it. */
export function decodeFrame(message: Buffer): FrameMessage {
  const { header, part } = readFrame(message);
  const { runId, fence, sequence, checksum, ...frame } = header;
  if (crc32(part) !== checksum) throw frameCorrupt(sequence);
  if (!Number.isSafeInteger(frameBytes(frame))) throw frameMalformed(`shape [${frame.shape.join(', ')}]`);
  return { runId, fence, sequence, frame, part };
}

/** A character of UTF-16 has at most 3 bytes in UTF-8. */
function headBytesMax({ runId, frame: { edge, direction, dtype, shape } }: FrameMessage): number {
  const characters = runId.length + edge.length + direction.length + dtype.length;
  return GRPC_PREFIX_BYTES + FIXED_BYTES_MAX + 3 * characters + VARINT_BYTES_MAX * shape.length;
}

/** Fields before the checksum, in the order of their numbers but for `sequence` and `fromRank`. */
function writeHeader(head: Buffer, { runId, fence, sequence, frame }: FrameMessage): number {
  let at = writeText(head, GRPC_PREFIX_BYTES, [TAG.runId, runId]);
  at = writeNumber(head, at, [TAG.fence, fence]);
  at = writeNumber(head, at, [TAG.step, frame.step]);
  at = writeText(head, at, [TAG.edge, frame.edge]);
  at = writeNumber(head, at, [TAG.chunk, frame.chunk]);
  at = writeNumber(head, at, [TAG.microBatch, frame.microBatch]);
  at = writeText(head, at, [TAG.direction, frame.direction]);
  at = writeText(head, at, [TAG.dtype, frame.dtype]);
  at = writeShape(head, at, frame.shape);
  at = writeNumber(head, at, [TAG.sequence, sequence]);
  return writeNumber(head, at, [TAG.fromRank, frame.fromRank]);
}

function writeText(head: Buffer, start: number, [tag, text]: readonly [number, string]): number {
  head[start] = tag;
  const textAt = writeInteger(head, start + 1, Buffer.byteLength(text));
  return textAt + head.write(text, textAt);
}

function writeNumber(head: Buffer, start: number, [tag, value]: readonly [number, number]): number {
  head[start] = tag;
  return writeInteger(head, start + 1, value);
}

function writeShape(head: Buffer, start: number, shape: readonly number[]): number {
  // Sizes are not negative, so that their lengths are known before they are written.
  head[start] = TAG.shape;
  let at = writeInteger(
    head,
    start + 1,
    shape.reduce((bytes, size) => bytes + varintBytes(size), 0),
  );
  for (const size of shape) at = writeInteger(head, at, size);
  return at;
}

/** Bytes to insert at `position` so that what follows is aligned. */
function alignment(position: number): number {
  return (ALIGNMENT_BYTES - (position % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
}
