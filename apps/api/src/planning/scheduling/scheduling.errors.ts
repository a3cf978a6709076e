import { AppError, bytesText } from '@millrace/core';
import type { RunSpec } from '@millrace/contracts';

/** A device of the gang was given to another attempt, or left, between the plan and its transaction. */
export function deviceTaken(runId: string): AppError {
  return new AppError({
    code: 'SCHEDULING.DEVICE_TAKEN',
    kind: 'aborted',
    message: `a device meant for ${runId} is not free any more; it will be placed anew`,
  });
}

/** The checkpoint that a run starts from was lost, with a database or a folder that was restored to an older state. */
export function initGone(runId: string, checkpointId: string): AppError {
  return new AppError({
    code: 'SCHEDULING.INIT_GONE',
    kind: 'precondition',
    message: `checkpoint ${checkpointId}, which ${runId} starts from, is gone; submit the run again with another one`,
  });
}

export interface LimitedDevice {
  /** host:device */
  readonly name: string;
  readonly bytes: number;
}

/** Devices ran out of memory under this run's plans, and no other plan fits what there is. */
export function memoryExhausted(runId: string, spec: RunSpec, limits: readonly LimitedDevice[]): AppError {
  const { parallel, train } = spec;
  const held = limits.map(({ name, bytes }) => `${name} counts as holding ${bytesText(bytes)} at most`).join(', ');
  const split = parallel.partition === 'auto' ? '' : 'set parallel.partition to auto, ';
  return new AppError({
    code: 'SCHEDULING.MEMORY_EXHAUSTED',
    kind: 'precondition',
    message:
      `${runId} ran out of memory, after which ${held}; no other plan fits the devices that are there, ` +
      `whatever is computed again: ${split}lower train.batch.micro (${train.batch.micro}), ` +
      `raise parallel.pp (${parallel.pp}) or add a device with more memory, and submit the run again`,
  });
}
