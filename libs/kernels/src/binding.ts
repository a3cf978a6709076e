import type { DType } from '@millrace/tensor';
import type { KernelBinding } from './kernel';

export function input(name: string, dtype: DType = 'f32'): KernelBinding {
  return { name, access: 'read', dtype };
}

/** Read only if the flag is 1; it must be bound all the same, to any tensor that the dispatch does not write. */
export function inputIf(flag: string, name: string): KernelBinding {
  return { ...input(name), flag };
}

/** Written, and read as well where the kernel accumulates or works in place. */
export function output(name: string, dtype: DType = 'f32'): KernelBinding {
  return { name, access: 'read_write', dtype };
}

/** A matrix whose rows may lie `stride` elements apart, as those of some columns of a wider matrix do. */
export function strided(binding: KernelBinding): KernelBinding {
  return { ...binding, strided: true };
}
