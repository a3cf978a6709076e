import { encodeSafetensors, safetensorsBytes, type TensorToWrite } from '../safetensors/write-safetensors';
import type { NamedShape } from './compare-tensors';

/** Returns the weights of a tensor by its Hugging Face name, row-major. */
export type ReadTensor = (name: string) => Promise<Float32Array>;

const METADATA = { format: 'pt' };

function tensorsToWrite(tensors: readonly NamedShape[], readTensor: ReadTensor): TensorToWrite[] {
  return tensors.map(({ name, shape }) => ({
    name,
    shape,
    dtype: 'F32',
    read: async () => {
      const { buffer, byteOffset, byteLength } = await readTensor(name);
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  }));
}

/**
 * A model as Hugging Face safetensors, in pieces, with one tensor in memory at a time. The bytes depend on the weights,
 * their names and their order alone. Throws CHECKPOINT.SHAPE_BYTES_MISMATCH.
 */
export function encodeHuggingFace(tensors: readonly NamedShape[], readTensor: ReadTensor): AsyncGenerator<Uint8Array> {
  return encodeSafetensors(tensorsToWrite(tensors, readTensor), METADATA);
}

/** The length of the exported file in bytes. */
export function huggingFaceBytes(tensors: readonly NamedShape[]): number {
  return safetensorsBytes(
    tensorsToWrite(tensors, () => Promise.resolve(new Float32Array(0))),
    METADATA,
  );
}
