import { crc32 } from '@node-rs/crc32';
import { stageV1 } from '@millrace/contracts';
import { frameCorrupt, frameMalformed } from '../data-plane.errors';
import { EDGES, type Edge, type TensorFrame, FRAME_DTYPE_BYTES, frameBytes, type FrameDType } from '../frame';
import { readVarint, varintBytes, writeVarint } from './varint';

/** A frame or, of a payload that is too large for one message, a part of it. */
export interface FrameMessage {
  readonly runId: string;
  readonly fence: number;
  /** Counts the messages of a link from 1 without gaps, also over its reconnections. */
  readonly sequence: number;
  readonly frame: Omit<TensorFrame, 'payload'>;
  /** This message's part of the payload. */
  readonly part: Uint8Array;
}

/** How messages travel. */
export interface Channelled {
  /** They travel over TLS, which lets no changed byte through: a checksum as well would only cost time. */
  readonly isProtected: boolean;
}

/** Field 10, fixed32: (10 << 3) | 5. */
const CHECKSUM_TAG = 0x55;
/**
 * Field 15, length-delimited: (15 << 3) | 2. The payload comes last, so that it is written behind the rest uncopied.
 */
const PAYLOAD_TAG = 0x7a;
/**
 * The prefix of every gRPC message: a flag, and the length in 4 bytes. In the receiver's memory a message lies behind
 * it, which alignment must count in.
 */
export const GRPC_PREFIX_BYTES = 5;
const ALIGNMENT_BYTES = 4;
const EMPTY = Buffer.alloc(0);

/**
 * Encodes a frame's gRPC message from its prefix up to its payload. The payload's length may be written in more bytes
 * than it needs, so that the payload begins at an aligned position and the receiver can use it where it lies.
 */
export function encodeHead(message: FrameMessage, { isProtected }: Channelled): Buffer {
  const { part } = message;
  const header = encodeHeader(message);
  const lengthAt = GRPC_PREFIX_BYTES + header.length + 6;
  const lengthBytesMin = varintBytes(part.length);
  const lengthBytes = lengthBytesMin + alignment(lengthAt + lengthBytesMin);
  const head = Buffer.alloc(lengthAt + lengthBytes);
  head.writeUInt32BE(head.length - GRPC_PREFIX_BYTES + part.length, 1);
  head.set(header, GRPC_PREFIX_BYTES);
  head[lengthAt - 6] = CHECKSUM_TAG;
  head.writeUInt32LE(isProtected ? 0 : crc32(part), lengthAt - 5);
  head[lengthAt - 1] = PAYLOAD_TAG;
  writeVarint(head, lengthAt, { value: part.length, bytes: lengthBytes });
  return head;
}

/**
 * Decodes a message without its prefix; `part` is a view of it. Errors: DATA_PLANE.FRAME_MALFORMED,
 * DATA_PLANE.FRAME_CORRUPT.
 */
export function decodeFrame(message: Buffer, { isProtected }: Channelled): FrameMessage {
  const { header, part } = splitMessage(message);
  if (!isProtected && crc32(part) !== header.checksum) throw frameCorrupt(header.sequence);
  return toMessage(header, part);
}

function encodeHeader({ runId, fence, sequence, frame }: FrameMessage): Uint8Array {
  const { step, edge, chunk, microBatch, direction, dtype, fromRank, rollbacks } = frame;
  const fields = { runId, fence, sequence, step, edge, chunk, microBatch, direction, dtype, fromRank, rollbacks };
  return stageV1.Frame.encode({ ...fields, shape: [...frame.shape], checksum: 0, payload: EMPTY }).finish();
}

/** How many bytes to insert at `position` so that what follows is aligned. */
function alignment(position: number): number {
  return (ALIGNMENT_BYTES - (position % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
}

function splitMessage(message: Buffer): { header: stageV1.Frame; part: Buffer } {
  const payloadAt = findPayload(message);
  const length = readVarint(message, payloadAt + 1);
  const part = message.subarray(length.next);
  if (part.length !== length.value) throw frameMalformed(`the payload has ${part.length} of ${length.value} bytes`);
  try {
    return { header: stageV1.Frame.decode(message.subarray(0, payloadAt)), part };
  } catch (error) {
    throw frameMalformed('the header is not a Frame of proto/millrace/stage/v1', error);
  }
}

function toMessage(header: stageV1.Frame, part: Buffer): FrameMessage {
  const { runId, fence, sequence, step, edge, chunk, microBatch, direction, dtype, shape, fromRank } = header;
  const { rollbacks } = header;
  if (!isEdge(edge) || !isDType(dtype) || !isDirection(direction))
    throw frameMalformed(`edge "${edge}", dtype "${dtype}", direction "${direction}"`);
  const frame = { step, edge, chunk, microBatch, direction, dtype, shape, fromRank, rollbacks };
  if (!Number.isSafeInteger(frameBytes(frame))) throw frameMalformed(`shape [${shape.join(', ')}]`);
  return { runId, fence, sequence, frame, part };
}

/** The position of the payload's tag; fields before it are skipped by their wire type. */
function findPayload(message: Buffer): number {
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    if (tag.value === PAYLOAD_TAG) return at;
    at = skipField(message, tag.next, tag.value & 7);
  }
  throw frameMalformed('the message has no payload');
}

function skipField(message: Buffer, at: number, wireType: number): number {
  if (wireType === 0) return readVarint(message, at).next;
  if (wireType === 1) return at + 8;
  if (wireType === 5) return at + 4;
  if (wireType !== 2) throw frameMalformed(`wire type ${wireType}`);
  const length = readVarint(message, at);
  return length.next + length.value;
}

function isEdge(text: string): text is Edge {
  return (EDGES as readonly string[]).includes(text);
}

function isDType(text: string): text is FrameDType {
  return Object.hasOwn(FRAME_DTYPE_BYTES, text);
}

function isDirection(text: string): text is 'forward' | 'backward' {
  return text === 'forward' || text === 'backward';
}
