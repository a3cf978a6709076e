import { assert } from '@millrace/core';
import type { Dims } from '@millrace/kernels';
import type { Shape } from '@millrace/tensor';

/**
 * Shape of a kernel binding from the letters of its name (libs/kernels names every binding so): `a_MK` is [M, K],
 * `hyper_8` is [8]. E stands for 3HD and, in attention, C for HD.
 */
export function bindingShape(name: string, dims: Dims): Shape {
  const suffix = name.slice(name.lastIndexOf('_') + 1);
  return (suffix.match(/\d+|[A-Z]/g) ?? []).map((part) => {
    if (/\d/.test(part)) return Number(part);
    const headWidth = (dims['H'] ?? 0) * (dims['D'] ?? 0);
    const size = dims[part] ?? { C: headWidth, E: 3 * headWidth }[part];
    assert(size !== undefined, `binding ${name}: size ${part} is not among the dims`);
    return size;
  });
}
