import { crc32 } from '@node-rs/crc32';
import { stageV1 } from '@millrace/contracts';
import { frameCorrupt, frameMalformed } from '../data-plane.errors';
import { EDGES, type Edge, type TensorFrame, FRAME_DTYPE_BYTES, frameBytes, type FrameDType } from '../frame';
import { readVarint, varintBytes, writeVarint } from './varint';

/** A frame, or a part of a payload too large for one message. */
export interface FrameMessage {
  readonly runId: string;
  readonly fence: number;
  /** Dense over the messages of a link, from 1, and going on over its reconnections. */
  readonly sequence: number;
  readonly frame: Omit<TensorFrame, 'payload'>;
  /** This message's part of the payload. */
  readonly part: Uint8Array;
}

/** How messages travel. */
export interface Channelled {
  /** Over TLS, which lets no changed byte through: a checksum beside that would only cost time. */
  readonly isProtected: boolean;
}

/** Field 10, fixed32: (10 << 3) | 5. */
const CHECKSUM_TAG = 0x55;
/** Field 15, length-delimited: (15 << 3) | 2. The payload is last, so that it follows uncopied. */
const PAYLOAD_TAG = 0x7a;
/** A message lies behind its gRPC prefix (a flag, its length) in the receiver's memory: payloads are aligned there. */
const GRPC_PREFIX_BYTES = 5;
const ALIGNMENT_BYTES = 4;
const EMPTY = Buffer.alloc(0);

/**
 * All of a frame's gRPC message before its payload, from the prefix on. The payload's length is written longer than it
 * needs to be where that lets the payload begin at an aligned position, so that the receiver can use it where it lies.
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

/** `message` is without its prefix. Errors: DATA_PLANE.FRAME_MALFORMED, DATA_PLANE.FRAME_CORRUPT. `part` is a view of it. */
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

/** Bytes to insert at `position` so that what follows is aligned. */
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
    throw frameMalformed('its header is not a Frame of proto/millrace/stage/v1', error);
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

/** Position of the payload's tag; fields before it are skipped by their wire type. */
function findPayload(message: Buffer): number {
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    if (tag.value === PAYLOAD_TAG) return at;
    at = skipField(message, tag.next, tag.value & 7);
  }
  throw frameMalformed('it has no payload');
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
