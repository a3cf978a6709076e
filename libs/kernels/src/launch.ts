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
  // Shaders count items in 32 bits: a larger number would wrap around, and items would be left out without a word.
  assert(items <= 2 ** 32 - workgroupSize, `${wgsl} has ${items} items, more than 32 bits count`);
  return {
    wgsl,
    overrides: { WG: workgroupSize, ...overrides },
    workgroups: linearWorkgroups(Math.ceil(items / workgroupSize), target),
  };
}

/** Consecutive workgroups of a launch, dispatched as [groupCount, 1, 1] with `first_group` = firstGroup. */
export interface LaunchPart {
  readonly firstGroup: number;
  readonly groupCount: number;
}

/** A launch is cut into no more parts than this, unless the limit of a dimension asks for more. */
const PARTS_MAX = 1024;

/**
 * Cuts a launch into at least `countMin` parts of equal size, the last one smaller. Every workgroup is in one part and
 * runs once, because some kernels add to what is there or work in place. A workgroup computes the same by the same
 * instructions in whatever part it is.
 */
export function cutLaunch(
  [x, y, z]: readonly [number, number, number],
  countMin: number,
  target: Pick<KernelTarget, 'maxWorkgroupsPerDimension'>,
): LaunchPart[] {
  const total = x * y * z;
  const wanted = Math.floor(total / Math.max(1, Math.min(countMin, PARTS_MAX)));
  const size = Math.max(1, Math.min(wanted, target.maxWorkgroupsPerDimension));
  return Array.from({ length: Math.ceil(total / size) }, (_, index) => {
    const firstGroup = index * size;
    return { firstGroup, groupCount: Math.min(size, total - firstGroup) };
  });
}
