import { AppError } from '@millrace/core';

/** A durable checkpoint has every weight: if one is missing, the manifest was damaged. */
export function tensorMissing(name: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.WEIGHT_MISSING',
    kind: 'internal',
    message: `the checkpoint's manifest lacks the weight ${name}`,
  });
}

/** Too many files are being imported at once, or the disk is very slow. */
export function importUnanswered(why: 'busy' | 'too slow'): AppError {
  return new AppError({
    code: 'CHECKPOINT.IMPORT_BUSY',
    kind: 'unavailable',
    message: `the file was not imported, because what reads such files is ${why}: try again in a while`,
  });
}
