import { AppError } from '@millrace/core';

export function attemptReportInvalid(state: string): AppError {
  return new AppError({
    code: 'ATTEMPT.REPORT_INVALID',
    kind: 'invalid',
    message: `"${state}" is not a state that a rank can report`,
    fields: [{ path: '/state', message: 'is not known' }],
  });
}

/** Whoever sends this is of an attempt that is over: it must stop. */
export function fenceIsOld(runId: string, fence: number): AppError {
  return new AppError({
    code: 'ATTEMPT.FENCE_OLD',
    kind: 'aborted',
    message: `fence ${fence} of ${runId} is not in force (any more); stop this attempt`,
  });
}
