import type { Page, RunBody } from '@millrace/contracts';
import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { client } from '../../api/client';
import { usePollMs } from '../../live/live-provider';

const PAGE_COUNT = 1_000;
const RUNS_MAX = 20_000;

export interface AllRuns {
  readonly runs: readonly RunBody[];
  readonly query: UseInfiniteQueryResult<InfiniteData<Page<RunBody>>>;
  readonly isWhole: boolean;
}

/** All runs, page after page: the first rows are shown while the rest is still coming. */
export function useAllRuns(): AllRuns {
  const pollMs = usePollMs();
  const query = useInfiniteQuery({
    queryKey: ['runs', 'all'],
    queryFn: ({ pageParam }) =>
      client.runs({ limit: pageParam === '' ? 100 : PAGE_COUNT, ...(pageParam === '' ? {} : { cursor: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor,
    // Thousands of rows are asked for again when an event says that something changed, not by the clock.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : pollMs),
  });
  const { data, hasNextPage, isFetching, fetchNextPage } = query;
  const runs = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  useEffect(() => {
    if (hasNextPage && !isFetching && runs.length < RUNS_MAX) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage, runs.length]);
  return { runs, query, isWhole: data !== undefined && !hasNextPage };
}
