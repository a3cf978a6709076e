import { assert } from '@millrace/core';
import type { Dims, KernelTarget, KernelVariant } from './kernel';

/** Invocations of a workgroup in kernels that need no cooperation: whole subgroups on every known adapter. */
export const LINEAR_WORKGROUP_SIZE = 64;

/** Spreads `count` workgroups over two dimensions: shaders read them back as `group.y * groups.x + group.x`. */
export function linearWorkgroups(count: number, target: KernelTarget): [number, number, number] {
  const limit = target.maxWorkgroupsPerDimension;
  const y = Math.ceil(count / limit);
  assert(y <= limit, `${count} workgroups do not fit ${limit} x ${limit}`);
  return [Math.ceil(count / Math.max(1, y)), Math.max(1, y), 1];
}

/** A variant with one invocation per item; `overrides` are the shader's besides WG. */
export function perItem(
  { wgsl, overrides }: { readonly wgsl: string; readonly overrides: Dims },
  items: number,
  target: KernelTarget,
): KernelVariant {
  const workgroupSize = Math.min(LINEAR_WORKGROUP_SIZE, target.maxWorkgroupSize);
  return {
    wgsl,
    overrides: { WG: workgroupSize, ...overrides },
    workgroups: linearWorkgroups(Math.ceil(items / workgroupSize), target),
  };
}
