import type { RunBody } from '@millrace/contracts';
import { RUN_STATES } from '@millrace/contracts';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { client } from '../../api/client';
import type { RunsSearch } from './runs-search';

const FOUND_MAX = 1_000;
const SETTLE_MS = 300;

export interface OlderRuns {
  /** The API was asked for what the filter says. */
  readonly isAsked: boolean;
  readonly runs: readonly RunBody[];
  /** More than the first thousand are like that. */
  readonly hasMore: boolean;
}

const NONE: OlderRuns = { isAsked: false, runs: [], hasMore: false };

/** What the API finds among all runs; asked for only where not all of them are here. */
export function useOlderRuns({ text = '', state }: RunsSearch, hasOlder: boolean): OlderRuns {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  const ofState = RUN_STATES.find((known) => known === state);
  // Of a group of states the API knows nothing: with a search it is told apart here.
  const isAsked = hasOlder && (settled !== '' || ofState !== undefined);
  const { data } = useQuery({
    queryKey: ['runs', 'search', settled, ofState ?? ''],
    queryFn: () =>
      client.runs({
        limit: FOUND_MAX,
        ...(settled === '' ? {} : { search: settled }),
        ...(ofState === undefined ? {} : { state: ofState }),
      }),
    enabled: isAsked,
    placeholderData: keepPreviousData,
  });
  return data === undefined || !isAsked ? NONE : { isAsked, runs: data.items, hasMore: data.nextCursor !== null };
}
