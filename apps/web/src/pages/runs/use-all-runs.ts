import type { BriefRunBody, Page } from '@millrace/contracts';
import { type InfiniteData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { client } from '../../api/client';
import { usePollMs } from '../../live/live-provider';
import { mergeRuns } from './merge-runs';
import { ALL_RUNS_KEY, useNamedRuns } from './use-named-runs';

const NEWEST_COUNT = 100;
const PAGE_COUNT = 1_000;
/** Nobody reads more runs at once, and a browser holds about so many with ease; a search reaches older ones. */
const RUNS_MAX = 20_000;
const STALE_MS = 60_000;

export interface AllRuns {
  /** The newest run comes first. */
  readonly runs: readonly BriefRunBody[];
  readonly error: Error | null;
  /** Whether all runs that will be read have been read. */
  readonly isRead: boolean;
  /** The cursor behind the oldest run that was read; null if there are no older ones. */
  readonly olderCursor: string | null;
}

/**
 * Reads the newest 20,000 runs page by page; the first rows are shown while the rest is being read. An event makes it
 * read again only the newest runs and the run that the event names.
 */
export function useAllRuns(): AllRuns {
  const pollMs = usePollMs();
  const newest = useQuery({
    queryKey: ['runs', 'newest'],
    queryFn: () => client.briefRuns({ limit: NEWEST_COUNT }),
    refetchInterval: pollMs,
  });
  const query = useInfiniteQuery({
    queryKey: ALL_RUNS_KEY,
    queryFn: ({ pageParam }) =>
      client.briefRuns({ limit: PAGE_COUNT, ...(pageParam === '' ? {} : { cursor: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor,
    staleTime: STALE_MS,
    refetchOnWindowFocus: false,
  });
  const { data, error, hasNextPage, isFetching, fetchNextPage } = query;
  const all = useMemo(() => listed(data), [data]);
  const newestRuns = newest.data?.items;
  useNamedRuns(all, newestRuns);
  const runs = useMemo(() => mergeRuns(all, newestRuns ?? []), [all, newestRuns]);
  const isCut = all.length >= RUNS_MAX;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isCut) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage, isCut]);
  const olderCursor = isCut ? (data?.pages.at(-1)?.nextCursor ?? null) : null;
  return { runs, error, isRead: data !== undefined && (!hasNextPage || isCut), olderCursor };
}

function listed(data: InfiniteData<Page<BriefRunBody>> | undefined): readonly BriefRunBody[] {
  return data?.pages.flatMap(({ items }) => items) ?? [];
}
