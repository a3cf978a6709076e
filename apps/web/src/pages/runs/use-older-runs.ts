import type { BriefRunBody } from '@millrace/contracts';
import { keepPreviousData, skipToken, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { client } from '../../api/client';
import { olderRunsKey, olderRunsQuery } from './older-runs-query';
import type { RunsSearch } from './runs-search';

const SETTLE_MS = 300;
/** What is over changes seldom, and what is not is seldom that old. */
const STALE_MS = 60_000;

export interface OlderRuns {
  /** Whether the API was asked for what the filter says, and what came of it. */
  readonly state: 'unasked' | 'asking' | 'found' | 'failed';
  readonly runs: readonly BriefRunBody[];
  /** More runs fit than the first thousand. */
  readonly hasMore: boolean;
  readonly error: Error | null;
}

const NONE = { runs: [], hasMore: false } as const;

/** What the API finds among the runs behind `cursor`, where those that are loaded end; null where they are all here. */
export function useOlderRuns({ text = '', state }: RunsSearch, cursor: string | null): OlderRuns {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  const asked = olderRunsQuery({ text: settled, ...(state === undefined ? {} : { state }) }, cursor);
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: olderRunsKey(asked),
    queryFn: asked === undefined ? skipToken : () => client.briefRuns({ ...asked }),
    staleTime: STALE_MS,
    refetchInterval: STALE_MS,
    refetchOnWindowFocus: false,
    placeholderData: keepPreviousData,
  });
  if (asked === undefined) return { ...NONE, state: 'unasked', error: null };
  const found = data === undefined ? NONE : { runs: data.items, hasMore: data.nextCursor !== null };
  if (error !== null) return { ...found, state: 'failed', error };
  return { ...found, state: data === undefined || isPlaceholderData ? 'asking' : 'found', error };
}
