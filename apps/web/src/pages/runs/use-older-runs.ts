import type { BriefRunBody } from '@millrace/contracts';
import { keepPreviousData, skipToken, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { client } from '../../api/client';
import { olderRunsKey, olderRunsQuery } from './older-runs-query';
import type { RunsSearch } from './runs-search';

const SETTLE_MS = 300;
/** Answers may be this old: a run that is over seldom changes, and an old run is seldom not over. */
const STALE_MS = 60_000;

export interface OlderRuns {
  /** Whether the API was asked for what the filter says, and how that went. */
  readonly state: 'unasked' | 'asking' | 'found' | 'failed';
  readonly runs: readonly BriefRunBody[];
  /** Whether more runs fit than the first thousand, which are returned. */
  readonly hasMore: boolean;
  readonly error: Error | null;
}

const NONE = { runs: [], hasMore: false } as const;

/** Finds runs behind `cursor`, where the loaded runs end; null means that all runs are loaded. */
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
