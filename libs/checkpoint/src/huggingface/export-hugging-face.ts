import {
  type ByteSink,
  encodeSafetensors,
  safetensorsBytes,
  type TensorToWrite,
} from '../safetensors/write-safetensors';
import { type Gpt2Sizes, gpt2Tensors } from './gpt2-tensors';

/** Returns the weights of a tensor by its Hugging Face name, row-major. */
export type ReadTensor = (name: string) => Promise<Float32Array>;

const METADATA = { format: 'pt' };

function tensorsToWrite(sizes: Gpt2Sizes, readTensor: ReadTensor): TensorToWrite[] {
  return gpt2Tensors(sizes).map(({ name, shape }) => ({
    name,
    shape,
    dtype: 'F32',
    read: async () => {
      const { buffer, byteOffset, byteLength } = await readTensor(name);
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  }));
}

/** The file in pieces. Its bytes depend on weights and sizes alone. Throws CHECKPOINT.SHAPE_BYTES_MISMATCH. */
export function encodeHuggingFace(sizes: Gpt2Sizes, readTensor: ReadTensor): AsyncGenerator<Uint8Array> {
  return encodeSafetensors(tensorsToWrite(sizes, readTensor), METADATA);
}

/** Writes the model as Hugging Face safetensors to `sink`, holding one tensor at a time. */
export async function exportHuggingFace(sizes: Gpt2Sizes, readTensor: ReadTensor, sink: ByteSink): Promise<void> {
  for await (const bytes of encodeHuggingFace(sizes, readTensor)) await sink(bytes);
}

/** The length of the exported file in bytes. */
export function huggingFaceBytes(sizes: Gpt2Sizes): number {
  return safetensorsBytes(
    tensorsToWrite(sizes, () => Promise.resolve(new Float32Array(0))),
    METADATA,
  );
}
