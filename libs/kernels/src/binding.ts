import { assert } from '@millrace/core';
import type { DType, Shape } from '@millrace/tensor';
import type { Dims, KernelBinding } from './kernel';

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

/** Whether an operation with these dims reads or writes the binding: some are left unread without their flag. */
export function isRead({ flag }: KernelBinding, dims: Dims): boolean {
  return flag === undefined || dims[flag] === 1;
}

/**
 * Shape of a kernel binding from the letters of its name (every binding is named so): `a_MK` is [M, K],
 * `hyper_8` is [8]. In attention E stands for (H+2G)D and C for HD.
 */
export function bindingShape(name: string, dims: Dims): Shape {
  const suffix = name.slice(name.lastIndexOf('_') + 1);
  return (suffix.match(/\d+|[A-Z]/g) ?? []).map((part) => {
    if (/\d/.test(part)) return Number(part);
    const { H = 0, G = H, D = 0 } = dims;
    const size = dims[part] ?? { C: H * D, E: (H + 2 * G) * D }[part];
    assert(size !== undefined, `binding ${name}: size ${part} is not among the dims`);
    return size;
  });
}
