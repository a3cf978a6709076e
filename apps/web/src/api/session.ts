import { AppError } from '@millrace/core';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { SessionBody, UserRole } from '@millrace/contracts';
import { client } from './client';

export const SESSION_KEY = ['session'] as const;

/** Scripts cannot see the cookie. This entry tells that there was a session, so that the API is not asked in vain. */
const WAS_SIGNED_IN = 'millrace-signed-in';

/** Who is signed in; null if nobody is. */
export async function readSession(): Promise<SessionBody | null> {
  if (localStorage.getItem(WAS_SIGNED_IN) === null) return null;
  try {
    return await client.accounts.session();
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== 'unauthenticated') throw error;
    localStorage.removeItem(WAS_SIGNED_IN);
    return null;
  }
}

/**
 * Exchanges the token for an HttpOnly cookie: an EventSource cannot send a header, and no script can read such a
 * cookie.
 */
export async function signIn(token: string): Promise<SessionBody> {
  const session = await client.accounts.signIn(token);
  localStorage.setItem(WAS_SIGNED_IN, 'yes');
  return session;
}

export async function signOut(): Promise<void> {
  await client.accounts.signOut();
  localStorage.removeItem(WAS_SIGNED_IN);
}

export function useSession(): UseQueryResult<SessionBody | null> {
  return useQuery({ queryKey: SESSION_KEY, queryFn: readSession, staleTime: Infinity, retry: false });
}

const RANK: Readonly<Record<UserRole, number>> = { viewer: 0, member: 1, admin: 2 };

/**
 * Whether the user who is signed in has at least `role`. The dashboard does not offer what they may not do, which the
 * API would refuse anyway.
 */
export function useMay(role: UserRole): boolean {
  const { data } = useSession();
  return data !== undefined && data !== null && RANK[data.user.role] >= RANK[role];
}
