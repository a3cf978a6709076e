import type { GpuTask } from './gpu-task';

/**
 * Kernels whose naive variant this task takes: those that this device gets wrong, and those of the plan, which some
 * device of the gang gets wrong or did in an earlier attempt. Bits must not depend on who has which rank.
 */
export function avoidedKernels(task: GpuTask): string[] {
  const planned = task.kind === 'attempt' || task.kind === 'generate' ? task.plan.quarantined : undefined;
  return [...new Set([...task.device.quarantined, ...(planned ?? [])])];
}
