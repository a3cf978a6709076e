import { type Dims, type Kernel, withDerivedInputs } from '@millrace/kernels';
import type { Backend, DeviceTensor } from '@millrace/runtime';
import { elementCount, toFloat16Array } from '@millrace/tensor';

/** So many made-up numbers are repeated: speed does not depend on them, but a GPU multiplies zeros with less power. */
const NOISE_COUNT = 1 << 20;

/** Element `index` of the noise that begins at `salt`, in [-0.5, 0.5). */
export function noise(index: number, salt = 0): number {
  const word = Math.imul(((index + 7919 * salt) % NOISE_COUNT) + 1, 0x9e3779b1) >>> 0;
  return Math.fround(word / 2 ** 32 - 0.5);
}

/** Fills a tensor of any size with noise times `scale`, or with ids below `idsEnd`. */
export function fillTensor(
  backend: Backend,
  tensor: DeviceTensor,
  { salt = 0, scale = 1, idsEnd = 2 ** 32 }: { salt?: number; scale?: number; idsEnd?: number } = {},
): void {
  const { shape, dtype } = tensor.declaration;
  const count = elementCount(shape);
  const chunk = Math.min(count, NOISE_COUNT);
  const values = dtype === 'u32' ? ids(chunk, idsEnd) : Float32Array.from({ length: chunk }, (_, i) => noise(i, salt));
  if (values instanceof Float32Array && scale !== 1) values.forEach((value, index) => (values[index] = value * scale));
  const stored = dtype === 'f16' ? toFloat16Array(values) : values;
  for (let offset = 0; offset < count; offset += chunk) {
    backend.write(tensor, stored.subarray(0, Math.min(chunk, count - offset)), offset);
  }
}

function ids(count: number, end: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => (Math.imul(index + 1, 0x9e3779b1) >>> 0) % end);
}

/** Fills what a kernel binds, by binding name; what must follow from other ids does. Constants have their content. */
export function fillForKernel(
  backend: Backend,
  { kernel, dims }: { readonly kernel: Kernel; readonly dims: Dims },
  tensors: ReadonlyMap<string, DeviceTensor>,
): void {
  const made: Record<string, Uint32Array> = {};
  kernel.bindings.forEach(({ name, dtype }, salt) => {
    const tensor = tensors.get(name);
    if (tensor === undefined || tensor.declaration.content !== undefined) return;
    if (dtype === 'u32') made[name] = ids(elementCount(tensor.declaration.shape), dims['V'] ?? 2 ** 32);
    else fillTensor(backend, tensor, { salt });
  });
  for (const [name, content] of Object.entries(withDerivedInputs(kernel, made))) {
    const tensor = tensors.get(name);
    if (tensor !== undefined) backend.write(tensor, content);
  }
}
