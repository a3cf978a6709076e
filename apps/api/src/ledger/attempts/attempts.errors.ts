import { AppError } from '@millrace/core';

export function attemptReportInvalid(state: string): AppError {
  return new AppError({
    code: 'ATTEMPT.REPORT_INVALID',
    kind: 'invalid',
    message: `"${state}" is not a state that a rank can report`,
    fields: [{ path: '/state', message: 'is not known' }],
  });
}

/** The sender belongs to an attempt that is over, and must stop. */
export function fenceIsOld(runId: string, fence: number): AppError {
  return new AppError({
    code: 'ATTEMPT.FENCE_OLD',
    kind: 'aborted',
    message: `fence ${fence} of ${runId} is not in force; stop this attempt`,
  });
}

/** `rank` is the one that the agent has in the attempt; undefined if it has none. */
export function notOfAttempt(
  agentId: string,
  claim: { readonly runId: string; readonly fence: number; readonly rank?: number },
  rank: number | undefined,
): AppError {
  const { runId, fence } = claim;
  const has = rank === undefined ? 'is no rank of it' : `is rank ${rank} of it`;
  const as = claim.rank === undefined ? '' : ` as rank ${claim.rank}`;
  return new AppError({
    code: 'ATTEMPT.NOT_A_MEMBER',
    kind: 'invalid',
    message: `${agentId} speaks for fence ${fence} of ${runId}${as}, and ${has}`,
  });
}

/** The attempt meets an obstacle that would be there at every try. */
export function attemptUnsendable(agentId: string, { cause, reason }: { cause: unknown; reason: string }): AppError {
  return new AppError({
    code: 'ATTEMPT.UNSENDABLE',
    kind: 'internal',
    cause,
    message: `the attempt could not be sent to ${agentId}: ${reason}`,
  });
}
