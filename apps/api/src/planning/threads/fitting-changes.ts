import { AppError, RECOMPUTE_SETTINGS } from '@millrace/core';
import type { RunSpec } from '@millrace/contracts';
import { planIfItFits, type RunPlanOptions } from './plan-run';

/** How many values of a field are tried: a plan may take a second. */
const VALUES_MAX = 4;

interface Change {
  /** The field of the spec and its new value. */
  readonly text: string;
  apply(spec: RunSpec): RunSpec;
}

/**
 * Tells which single changes of a spec make the run fit devices that it does not fit, the one that changes no result
 * first: recompute, then smaller micro-batches, then more stages. If none does, all of them together are tried. The
 * devices are those that suit the run.
 */
export function fittingChanges(options: RunPlanOptions): string {
  const { spec, devices } = options;
  const kinds = [recomputeChanges(spec), microBatchChanges(spec), stageChanges(spec, devices.length)];
  const fits = (...changes: readonly Change[]): boolean =>
    fitsDevices({ ...options, spec: changes.reduce((changed, change) => change.apply(changed), spec) });
  const found = kinds.flatMap((changes) => changes.find((change) => fits(change)) ?? []);
  if (found.length > 0) return `it fits with ${found.map(({ text }) => text).join(', or with ')}`;
  // The last change of a kind saves the most.
  const all = kinds.flatMap((changes) => changes.at(-1) ?? []);
  if (all.length === 0) return 'use devices with more memory';
  const together = all.map(({ text }) => text).join(', ');
  return fits(...all)
    ? `it fits with ${together} together`
    : `it does not fit even with ${together} together: use devices with more memory, or more of them`;
}

function fitsDevices(options: RunPlanOptions): boolean {
  try {
    return planIfItFits({ ...options, deviceOrder: 'free' }) !== undefined;
  } catch (error) {
    // There is no such schedule, or no such split.
    if (error instanceof AppError) return false;
    throw error;
  }
}

function recomputeChanges(spec: RunSpec): Change[] {
  return RECOMPUTE_SETTINGS.slice(RECOMPUTE_SETTINGS.indexOf(spec.parallel.recompute) + 1).map((recompute) => ({
    text: `parallel.recompute ${recompute}`,
    apply: (changed) => ({ ...changed, parallel: { ...changed.parallel, recompute } }),
  }));
}

/** The sizes that divide the global batch, the largest first, and the smallest in any case. */
function microBatchChanges(spec: RunSpec): Change[] {
  const { global, micro } = spec.train.batch;
  const sizes = Array.from({ length: micro - 1 }, (_, index) => micro - 1 - index).filter(
    (size) => global % size === 0,
  );
  return someOf(sizes).map((size) => ({
    text: `train.batch.micro ${size}`,
    apply: ({ train, ...changed }) => ({ ...changed, train: { ...train, batch: { ...train.batch, micro: size } } }),
  }));
}

/** More stages, where the planner splits the layers and there are devices for them. */
function stageChanges(spec: RunSpec, deviceCount: number): Change[] {
  const { pp, partition } = spec.parallel;
  if (partition !== 'auto') return [];
  const counts = Array.from({ length: Math.max(0, deviceCount - pp) }, (_, index) => pp + 1 + index);
  return someOf(counts).map((count) => ({
    text: `parallel.pp ${count}`,
    apply: (changed) => ({ ...changed, parallel: { ...changed.parallel, pp: count } }),
  }));
}

function someOf<T>(values: readonly T[]): T[] {
  return values.length <= VALUES_MAX ? [...values] : [...values.slice(0, VALUES_MAX - 1), values.at(-1)!];
}
