import { AppError } from '@millrace/core';

/** `refused`: a credential of an earlier start is there, and the API does not take it any more. */
export function tokenNeeded(refused: boolean): AppError {
  const why = refused ? "the agent's credential was refused" : 'the agent has no credential yet';
  return new AppError({
    code: 'AGENT.TOKEN_NEEDED',
    kind: 'unauthenticated',
    message: `${why}; give a join token (or an admin's) with --token or MILLRACE_TOKEN`,
  });
}
