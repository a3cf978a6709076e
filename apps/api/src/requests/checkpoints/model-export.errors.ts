import { AppError } from '@millrace/core';

/** A durable checkpoint has every weight, so its manifest was damaged. */
export function tensorMissing(name: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.WEIGHT_MISSING',
    kind: 'internal',
    message: `the checkpoint's manifest lacks the weight ${name}`,
  });
}
