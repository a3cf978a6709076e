import type { KernelName } from '@millrace/kernels';
import type { WebGpuBackend } from '@millrace/runtime';
import type { GpuTask } from './gpu-task';

/**
 * The kernels for which this task takes the naive variant: those that this device gets wrong, and those that the plan
 * lists because some device of the gang gets or got them wrong. The bits must not depend on which agent has which rank.
 */
export function avoidedKernels(task: GpuTask): string[] {
  const planned = task.kind === 'attempt' || task.kind === 'generate' ? task.plan.quarantined : undefined;
  return [...new Set([...task.device.quarantined, ...(planned ?? [])])];
}

/** Makes the device bind programs with the variants that the task's plan says. */
export function takeVariants(backend: Pick<WebGpuBackend, 'quarantine' | 'tuning'>, task: GpuTask): void {
  for (const kernel of avoidedKernels(task)) backend.quarantine(kernel as KernelName);
  if (task.kind === 'attempt') backend.tuning.choose(task.plan.choices ?? []);
}
