import { frameMalformed } from '../data-plane.errors';
import { EDGES, type Edge, FRAME_DTYPE_BYTES, type FrameDType } from '../frame';
import { FieldReader } from './field-reader';
import { TAG } from './frame-fields';

/** All of a Frame of the proto file but its payload. */
export interface FrameHeader {
  runId: string;
  fence: number;
  step: number;
  edge: Edge;
  chunk: number;
  microBatch: number;
  direction: 'forward' | 'backward';
  dtype: FrameDType;
  shape: number[];
  checksum: number;
  sequence: number;
  fromRank: number;
}

/**
 * Written by hand because the generated reader took longer than the checksum of 64 KiB; frame-codec.spec.ts holds both
 * against each other. Error: DATA_PLANE.FRAME_MALFORMED.
 */
export function readFrame(message: Buffer): { header: FrameHeader; part: Buffer } {
  const reader = new FieldReader(message);
  const texts = { edge: '', direction: '', dtype: '' };
  // proto3 leaves out what is 0 or empty.
  const numbers = { fence: 0, step: 0, chunk: 0, microBatch: 0, sequence: 0, fromRank: 0, checksum: 0 };
  let runId = '';
  let shape: number[] = [];
  while (!reader.done) {
    const tag = reader.unsigned();
    switch (tag) {
      case TAG.runId:
        runId = reader.text();
        break;
      case TAG.fence:
        numbers.fence = reader.count();
        break;
      case TAG.step:
        numbers.step = reader.count();
        break;
      case TAG.edge:
        texts.edge = reader.text();
        break;
      case TAG.chunk:
        numbers.chunk = reader.int32();
        break;
      case TAG.microBatch:
        numbers.microBatch = reader.int32();
        break;
      case TAG.direction:
        texts.direction = reader.text();
        break;
      case TAG.dtype:
        texts.dtype = reader.text();
        break;
      case TAG.shape:
        shape = shape.concat(reader.integers());
        break;
      case TAG.sizeOfShape:
        shape.push(reader.int32());
        break;
      case TAG.checksum:
        numbers.checksum = reader.fixed32();
        break;
      case TAG.sequence:
        numbers.sequence = reader.count();
        break;
      case TAG.fromRank:
        numbers.fromRank = reader.int32();
        break;
      case TAG.payload:
        return { header: { runId, shape, ...numbers, ...known(texts) }, part: payload(message, reader) };
      default:
        reader.skip(tag & 7);
    }
  }
  throw frameMalformed('it has no payload');
}

/** The payload is the rest of the message. */
function payload(message: Buffer, reader: FieldReader): Buffer {
  const length = reader.unsigned();
  const part = message.subarray(reader.at);
  if (part.length !== length) throw frameMalformed(`the payload has ${part.length} of ${length} bytes`);
  return part;
}

function known(texts: {
  edge: string;
  direction: string;
  dtype: string;
}): Pick<FrameHeader, 'edge' | 'direction' | 'dtype'> {
  const { edge, direction, dtype } = texts;
  if (!isEdge(edge) || !isDType(dtype) || !isDirection(direction))
    throw frameMalformed(`edge "${edge}", dtype "${dtype}", direction "${direction}"`);
  return { edge, direction, dtype };
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
