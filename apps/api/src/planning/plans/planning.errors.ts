import { AppError } from '@millrace/core';

export function planningBusy(waitingMax: number): AppError {
  return new AppError({
    code: 'PLANNING.BUSY',
    kind: 'unavailable',
    message: `${waitingMax} runs wait to be planned already: try again in a moment`,
  });
}

/** The split was of very many layers over very many unequal devices. */
export function planningTooSlow(seconds: number): AppError {
  return new AppError({
    code: 'PLANNING.TOO_SLOW',
    kind: 'invalid',
    message:
      `planning took more than ${seconds} s or more memory than it may: give the split in parallel.partition, ` +
      'take fewer micro-batches, or name the devices in resources.include',
  });
}
