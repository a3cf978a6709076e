import type { Page, RunBody } from '@millrace/contracts';
import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { client } from '../../api/client';
import { usePollMs } from '../../live/live-provider';
import { mergeRuns } from './merge-runs';

const NEWEST_COUNT = 100;
const PAGE_COUNT = 1_000;
const RUNS_MAX = 20_000;
const STALE_MS = 60_000;

export interface AllRuns {
  readonly runs: readonly RunBody[];
  readonly query: UseInfiniteQueryResult<InfiniteData<Page<RunBody>>>;
  readonly isWhole: boolean;
}

/**
 * All runs, page after page: the first rows are shown while the rest is still coming. An event asks for the newest ones
 * again; thousands of older ones are not moved for it.
 */
export function useAllRuns(): AllRuns {
  const pollMs = usePollMs();
  const newest = useQuery({
    queryKey: ['runs', 'newest'],
    queryFn: () => client.runs({ limit: NEWEST_COUNT }),
    refetchInterval: pollMs,
  });
  const query = useInfiniteQuery({
    queryKey: ['all-runs'],
    queryFn: ({ pageParam }) => client.runs({ limit: PAGE_COUNT, ...(pageParam === '' ? {} : { cursor: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor,
    staleTime: STALE_MS,
    refetchOnWindowFocus: false,
  });
  const { data, hasNextPage, isFetching, fetchNextPage } = query;
  const all = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const runs = useMemo(() => mergeRuns(all, newest.data?.items ?? []), [all, newest.data]);
  useEffect(() => {
    if (hasNextPage && !isFetching && all.length < RUNS_MAX) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage, all.length]);
  return { runs, query, isWhole: data !== undefined && !hasNextPage };
}
