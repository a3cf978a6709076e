import { assert } from '@millrace/core';
import type { Dims } from '@millrace/kernels';
import type { Shape } from '@millrace/tensor';

/**
 * Shape of a kernel binding from the letters of its name (libs/kernels names every binding so): `a_MK` is [M, K],
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
