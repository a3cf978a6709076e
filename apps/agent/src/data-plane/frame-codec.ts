import { crc32 } from 'node:zlib';
import { stageV1 } from '@millrace/contracts';
import { frameCorrupt, frameMalformed } from './data-plane.errors';
import { EDGES, type Edge, type Frame, FRAME_DTYPE_BYTES, frameBytes, type FrameDType } from './frame';
import { readVarint, varintBytes, writeVarint } from './varint';

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

/** `Frame` of proto/millrace/stage/v1 whose payload holds several small frames: gRPC costs per message, not per byte. */
const BATCH = 'batch';
/** Field 10, fixed32: (10 << 3) | 5. */
const CHECKSUM_TAG = 0x55;
/** Field 15, length-delimited: (15 << 3) | 2. The payload is last, so that it is one contiguous copy. */
const PAYLOAD_TAG = 0x7a;
/** gRPC delivers a message behind its own 5 bytes in one buffer; payloads are aligned in that. */
const GRPC_PREFIX_BYTES = 5;
const ALIGNMENT_BYTES = 4;
/** Tags, checksum, lengths and alignment of a frame beside its header and payload. */
const FRAMING_BYTES_MAX = 32;
const EMPTY = Buffer.alloc(0);

/**
 * One gRPC message of one or more frames. Payloads are copied once, into a buffer of `allocate`, to aligned positions, so
 * that the receiver can use them where they lie.
 */
export function encodeFrames(messages: readonly FrameMessage[], allocate: (bytes: number) => Buffer): Buffer {
  const headers = messages.map((message) => encodeHeader(message, message.frame.edge));
  const bytes = messages.reduce(
    (sum, { part }, index) => sum + part.length + headers[index]!.length + FRAMING_BYTES_MAX,
    0,
  );
  const [first, second] = messages;
  if (first === undefined) throw frameMalformed('no frame');
  if (second === undefined) {
    const target = allocate(bytes);
    const start = writeStart(target, headers[0]!, first.part);
    target.set(first.part, start.payload);
    target.writeUInt32LE(crc32(first.part) >>> 0, start.checksum);
    return target.subarray(0, start.payload + first.part.length);
  }
  const outer = encodeHeader(first, BATCH);
  const target = allocate(bytes + outer.length + FRAMING_BYTES_MAX);
  // The inner region's length is known only when it is written: it goes to a fixed place, its length into 4 bytes.
  const start = writeStart(target, outer, { length: 0, lengthBytesMin: INNER_LENGTH_BYTES });
  let end = start.payload;
  messages.forEach(({ part }, index) => (end = writeInner(target, end, { header: headers[index]!, part })));
  writeVarint(target, start.length, { value: end - start.payload, bytes: start.payload - start.length });
  target.writeUInt32LE(crc32(target.subarray(start.payload, end)) >>> 0, start.checksum);
  return target.subarray(0, end);
}

/** Errors: DATA_PLANE.FRAME_MALFORMED, DATA_PLANE.FRAME_CORRUPT. Every `part` is a view of `message`. */
export function decodeFrames(message: Buffer): FrameMessage[] {
  const { header, part } = splitMessage(message);
  if (crc32(part) >>> 0 !== header.checksum) throw frameCorrupt(header.sequence);
  if (header.edge !== BATCH) return [toMessage(header, part)];
  const frames: FrameMessage[] = [];
  for (let at = 0; at < part.length;) {
    if (at + 4 > part.length) throw frameMalformed('a batch ends in the middle of a length');
    const end = at + 4 + part.readUInt32LE(at);
    if (end > part.length) throw frameMalformed('a batch ends in the middle of a frame');
    // The batch's checksum covered it.
    const inner = splitMessage(part.subarray(at + 4, end));
    frames.push(toMessage(inner.header, inner.part));
    at = end;
  }
  return frames;
}

/** Enough for 2^28. */
const INNER_LENGTH_BYTES = 4;

function encodeHeader({ runId, fence, sequence, frame }: FrameMessage, edge: string): Uint8Array {
  const { step, chunk, microBatch, direction, dtype, fromRank } = frame;
  const shape = edge === BATCH ? [] : [...frame.shape];
  const fields = { runId, fence, sequence, step, edge, chunk, microBatch, direction, dtype, shape, fromRank };
  return stageV1.Frame.encode({ ...fields, checksum: 0, payload: EMPTY }).finish();
}

/** Positions of what is filled in later. */
interface FrameStart {
  readonly checksum: number;
  readonly length: number;
  readonly payload: number;
}

/** Header, checksum and the payload's tag and length, the latter made longer so that the payload is aligned. */
function writeStart(
  target: Buffer,
  header: Uint8Array,
  payload: { length: number; lengthBytesMin?: number },
): FrameStart {
  const { length, lengthBytesMin = varintBytes(length) } = payload;
  target.set(header);
  const checksum = header.length + 1;
  target[header.length] = CHECKSUM_TAG;
  target[checksum + 4] = PAYLOAD_TAG;
  const at = checksum + 5;
  const lengthBytes = lengthBytesMin + alignment(at + lengthBytesMin);
  writeVarint(target, at, { value: length, bytes: lengthBytes });
  return { checksum, length: at, payload: at + lengthBytes };
}

/** A frame of a batch behind its length; its end. */
function writeInner(target: Buffer, at: number, { header, part }: { header: Uint8Array; part: Uint8Array }): number {
  const start = at + 4;
  target.set(header, start);
  const tag = start + header.length;
  target[tag] = PAYLOAD_TAG;
  const lengthBytesMin = varintBytes(part.length);
  const lengthBytes = lengthBytesMin + alignment(tag + 1 + lengthBytesMin);
  const payload = writeVarint(target, tag + 1, { value: part.length, bytes: lengthBytes });
  target.set(part, payload);
  target.writeUInt32LE(payload + part.length - start, at);
  return payload + part.length;
}

/** Bytes to insert at `position` so that what follows is aligned where the receiver finds it. */
function alignment(position: number): number {
  return (ALIGNMENT_BYTES - ((GRPC_PREFIX_BYTES + position) % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
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
  if (!isEdge(edge) || !isDType(dtype) || !isDirection(direction))
    throw frameMalformed(`edge "${edge}", dtype "${dtype}", direction "${direction}"`);
  const frame = { step, edge, chunk, microBatch, direction, dtype, shape, fromRank };
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
