import { AppError } from '@millrace/core';

export function threadsStopped(): AppError {
  return new AppError({
    code: 'API.THREADS_STOPPED',
    kind: 'unavailable',
    message: 'the API is stopping and takes no more work: ask again when it is back',
  });
}
