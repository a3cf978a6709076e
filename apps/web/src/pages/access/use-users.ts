import type { UserBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { client } from '../../api/client';

export const USERS_KEY = ['users'] as const;

/** Everybody who has an account; only an admin may ask for this list. */
export function useUsers({ enabled = true }: { readonly enabled?: boolean } = {}): UseQueryResult<UserBody[]> {
  return useQuery({ queryKey: USERS_KEY, queryFn: () => allPages((page) => client.accounts.users(page)), enabled });
}
