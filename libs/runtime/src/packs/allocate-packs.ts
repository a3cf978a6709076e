import type { TensorPack } from '@millrace/kernels';
import type { Backend, DeviceTensor } from '../backend';

/** Allocates packs, and returns each of them and each of its parts by name. */
export function allocatePacks(backend: Backend, packs: readonly TensorPack[]): Map<string, DeviceTensor> {
  const tensors = new Map<string, DeviceTensor>();
  for (const { whole, parts } of packs) {
    const allocated = backend.allocate(whole);
    tensors.set(whole.name, allocated);
    for (const { declaration, offset } of parts)
      tensors.set(declaration.name, backend.part(allocated, declaration, offset));
  }
  return tensors;
}
