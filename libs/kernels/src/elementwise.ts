import { dimension } from './dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from './kernel';
import { perItem } from './launch';

/** Variants of a kernel over L independent elements; `overrides` are the shader's besides WG and L. */
export function elementwise(
  wgsl: string,
  overrides: (dims: Dims) => Dims = () => ({}),
): Pick<Kernel, 'variant' | 'reference' | 'cuts'> {
  const scalar = (dims: Dims, target: KernelTarget): KernelVariant => {
    const L = dimension(dims, 'L');
    return perItem({ wgsl, overrides: { L, ...overrides(dims) } }, L, target);
  };
  return { variant: scalar, reference: scalar, cuts: [{ axis: 'L' }] };
}
