import { AppError } from '@millrace/core';

/** A device of the gang was given to another attempt, or left, between the plan and its transaction. */
export function deviceTaken(runId: string): AppError {
  return new AppError({
    code: 'SCHEDULING.DEVICE_TAKEN',
    kind: 'aborted',
    message: `a device meant for ${runId} is not free any more; it will be placed anew`,
  });
}
