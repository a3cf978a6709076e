import { assert } from '@millrace/core';
import { headerTooLong, shapeBytesMismatch, tensorDuplicate } from '../checkpoint.errors';
import { HEADER_BYTES_MAX, SAFETENSORS_DTYPE_BYTES, type SafetensorsDType } from './header';

/** One tensor to write; `read` is called when its turn comes, so that one tensor at a time is in memory. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Returns the tensor's bytes, little-endian and row-major. */
  read(): Promise<Uint8Array>;
}

/** Takes the file piece by piece; resolves when it can take more. */
export type ByteSink = (bytes: Uint8Array) => Promise<void>;

export type Metadata = Readonly<Record<string, string>>;

function tensorBytes({ dtype, shape }: TensorToWrite): number {
  return shape.reduce((product, size) => product * size, SAFETENSORS_DTYPE_BYTES[dtype]);
}

/** Length prefix and JSON header, padded with spaces to a multiple of 8 so that the data are aligned. */
function encodeHeader(tensors: readonly TensorToWrite[], metadata?: Metadata): Uint8Array {
  const members = metadata === undefined ? [] : [`"__metadata__":${JSON.stringify(metadata)}`];
  const names = new Set<string>();
  let begin = 0;
  for (const tensor of tensors) {
    assert(tensor.name !== '__metadata__', 'no tensor can be called __metadata__');
    if (names.has(tensor.name)) throw tensorDuplicate(tensor.name);
    names.add(tensor.name);
    const end = begin + tensorBytes(tensor);
    const value = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] };
    members.push(`${JSON.stringify(tensor.name)}:${JSON.stringify(value)}`);
    begin = end;
  }
  const json = Buffer.from(`{${members.join(',')}}`, 'utf8');
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > HEADER_BYTES_MAX) throw headerTooLong(BigInt(headerBytes), HEADER_BYTES_MAX);
  const bytes = Buffer.alloc(8 + headerBytes, ' ');
  bytes.writeBigUInt64LE(BigInt(headerBytes), 0);
  json.copy(bytes, 8);
  return bytes;
}

/** Length of the file that writeSafetensors will write, for a Content-Length or a check of disk space. */
export function safetensorsBytes(tensors: readonly TensorToWrite[], metadata?: Metadata): number {
  return tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), encodeHeader(tensors, metadata).length);
}

/** The file in pieces, tensors in the order given. Errors: CHECKPOINT.TENSOR_DUPLICATE, SHAPE_BYTES_MISMATCH. */
export async function* encodeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata?: Metadata,
): AsyncGenerator<Uint8Array> {
  yield encodeHeader(tensors, metadata);
  for (const tensor of tensors) {
    const bytes = await tensor.read();
    const needed = tensorBytes(tensor);
    if (bytes.length !== needed) throw shapeBytesMismatch(tensor.name, tensor.shape, { needed, found: bytes.length });
    yield bytes;
  }
}

/** Writes the file to `sink`, one piece after the other; the sink's own failures pass through. */
export async function writeSafetensors(
  tensors: readonly TensorToWrite[],
  sink: ByteSink,
  metadata?: Metadata,
): Promise<void> {
  for await (const bytes of encodeSafetensors(tensors, metadata)) await sink(bytes);
}
