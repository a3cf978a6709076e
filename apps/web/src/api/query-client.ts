import type { SessionBody } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import { QueryClient } from '@tanstack/react-query';
import { SESSION_KEY } from './session';
import { onSignedOut } from './signed-out';

const STALE_MS = 2_000;
const RETRIES = 2;

/** A query is tried again only if the API could not be reached: what the API refuses, it would refuse again. */
function isWorthRetrying(failureCount: number, error: unknown): boolean {
  return failureCount < RETRIES && error instanceof AppError && error.kind === 'unavailable';
}

export function makeQueryClient(): QueryClient {
  const queries = new QueryClient({
    defaultOptions: { queries: { staleTime: STALE_MS, retry: isWorthRetrying, refetchOnWindowFocus: true } },
  });
  onSignedOut(() => changeSession(queries, null));
  return queries;
}

/** Forgets what one user was shown, since the next may not see it. Who is signed in is kept: the frame watches it. */
export function changeSession(queries: QueryClient, session: SessionBody | null): void {
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
  queries.setQueryData(SESSION_KEY, session);
}
