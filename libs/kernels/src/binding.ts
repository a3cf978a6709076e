import type { DType } from '@millrace/tensor';
import type { KernelBinding } from './kernel';

export function input(name: string, dtype: DType = 'f32'): KernelBinding {
  return { name, access: 'read', dtype };
}

/** Written, and read as well where the kernel accumulates or works in place. */
export function output(name: string, dtype: DType = 'f32'): KernelBinding {
  return { name, access: 'read_write', dtype };
}
