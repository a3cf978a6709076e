import { crc32 } from 'node:zlib';
import { stageV1 } from '@millrace/contracts';
import { frameCorrupt, frameMalformed } from './data-plane.errors';
import { EDGES, type Edge, type Frame, FRAME_DTYPE_BYTES, frameBytes, type FrameDType } from './frame';

/** One message of a stream: a frame, or a part of a payload too large for one message. */
export interface FrameMessage {
  readonly runId: string;
  readonly fence: number;
  /** Dense over the messages of a link, from 1, and going on over its reconnections. */
  readonly sequence: number;
  readonly frame: Omit<Frame, 'payload'>;
  /** This message's part of the payload. */
  readonly part: Uint8Array;
}

/** Field 15, length-delimited: (15 << 3) | 2. The payload is last, so that it is one contiguous copy. */
const PAYLOAD_TAG = 0x7a;

/** `Frame` of proto/millrace/stage/v1, its payload copied once. */
export function encodeFrame({ runId, fence, sequence, frame, part }: FrameMessage): Buffer {
  const header = stageV1.Frame.encode({
    runId,
    fence,
    sequence,
    step: frame.step,
    edge: frame.edge,
    chunk: frame.chunk,
    microBatch: frame.microBatch,
    direction: frame.direction,
    dtype: frame.dtype,
    shape: [...frame.shape],
    fromRank: frame.fromRank,
    checksum: crc32(part) >>> 0,
    payload: EMPTY,
  }).finish();
  const message = Buffer.allocUnsafe(header.length + 1 + varintBytes(part.length) + part.length);
  message.set(header);
  message[header.length] = PAYLOAD_TAG;
  const start = writeVarint(message, header.length + 1, part.length);
  message.set(part, start);
  return message;
}

/** Errors: DATA_PLANE.FRAME_MALFORMED, DATA_PLANE.FRAME_CORRUPT. `part` is a view of `message`. */
export function decodeFrame(message: Buffer): FrameMessage {
  const payloadAt = findPayload(message);
  const header = decodeHeader(message.subarray(0, payloadAt));
  const length = readVarint(message, payloadAt + 1);
  const part = message.subarray(length.next);
  if (part.length !== length.value) throw frameMalformed(`the payload has ${part.length} of ${length.value} bytes`);
  if (crc32(part) >>> 0 !== header.checksum) throw frameCorrupt(header.sequence);
  const { edge, dtype, direction, shape } = header;
  if (!isEdge(edge) || !isDType(dtype) || !isDirection(direction)) {
    throw frameMalformed(`edge "${edge}", dtype "${dtype}", direction "${direction}"`);
  }
  const { step, chunk, microBatch, fromRank } = header;
  const frame = { step, edge, chunk, microBatch, direction, dtype, shape, fromRank };
  if (!Number.isSafeInteger(frameBytes(frame))) throw frameMalformed(`shape [${shape.join(', ')}]`);
  return { runId: header.runId, fence: header.fence, sequence: header.sequence, frame, part };
}

const EMPTY = Buffer.alloc(0);

function decodeHeader(header: Buffer): stageV1.Frame {
  try {
    return stageV1.Frame.decode(header);
  } catch (error) {
    throw frameMalformed('its header is not a Frame of proto/millrace/stage/v1', error);
  }
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

function readVarint(message: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let next = at; next < message.length && next < at + 10; next++) {
    const byte = message[next] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: next + 1 };
    scale *= 128;
  }
  throw frameMalformed('a number does not end');
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function writeVarint(message: Buffer, at: number, value: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 128; rest = Math.floor(rest / 128)) message[next++] = (rest % 128) | 0x80;
  message[next++] = rest;
  return next;
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
