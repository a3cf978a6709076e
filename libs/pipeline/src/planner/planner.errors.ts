import { AppError } from '@millrace/core';

/** The request contradicts itself: a caller's mistake, named by the part of the request. */
export function planRequestInvalid(message: string): AppError {
  return new AppError({ code: 'PIPELINE.PLAN_REQUEST_INVALID', kind: 'invalid', message });
}

/** No split of the model fits the memory of the devices under any candidate. */
export function planDoesNotFit(message: string): AppError {
  const path = '/parallel/partition';
  return new AppError({
    code: 'PIPELINE.PLAN_DOES_NOT_FIT',
    kind: 'precondition',
    message,
    fields: [{ path, message }],
  });
}
