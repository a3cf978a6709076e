import { AppError } from '@millrace/core';

/** A device of the gang was given to another attempt, or left, between the plan and its transaction. */
export function deviceTaken(runId: string): AppError {
  return new AppError({
    code: 'SCHEDULING.DEVICE_TAKEN',
    kind: 'aborted',
    message: `a device meant for ${runId} is not free any more; it will be placed anew`,
  });
}

/** The checkpoint that a run starts from was lost with a database or a folder that somebody put back. */
export function initGone(runId: string, checkpointId: string): AppError {
  return new AppError({
    code: 'SCHEDULING.INIT_GONE',
    kind: 'precondition',
    message: `checkpoint ${checkpointId}, which ${runId} starts from, is gone; submit the run again with another one`,
  });
}
