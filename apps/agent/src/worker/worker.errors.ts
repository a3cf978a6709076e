import { AppError } from '@millrace/core';

export function threadDied(reason: string): AppError {
  return new AppError({
    code: 'AGENT.GPU_THREAD_DIED',
    kind: 'internal',
    message: `the thread that owns the device ended: ${reason}`,
  });
}
