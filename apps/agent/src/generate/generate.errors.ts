import { AppError } from '@millrace/core';

/** The generation did not end by itself: a peer is gone, or was never asked for its part. */
export function generationLate(taskId: string, limitMs: number): AppError {
  return new AppError({
    code: 'AGENT.GENERATION_LATE',
    kind: 'unavailable',
    message: `generation ${taskId} was given up after ${limitMs / 1000} s; ask again`,
  });
}
