import { RUN_STATES, type RunState } from '@millrace/core';
import type { RunsSearch } from './runs-search';

const FOUND_MAX = 1_000;

/**
 * The key is not under ['runs'], which events make stale a few times a second: a search reads all older runs. @see
 * staleQueries
 */
const OLDER_RUNS = 'older-runs';

export interface OlderRunsQuery {
  readonly limit: number;
  readonly cursor: string;
  readonly search?: string;
  readonly state?: RunState;
}

/** The query for the runs behind `cursor`, where the loaded runs end; undefined if there is nothing to ask for. */
export function olderRunsQuery({ text = '', state }: RunsSearch, cursor: string | null): OlderRunsQuery | undefined {
  const search = text.trim();
  const ofState = RUN_STATES.find((known) => known === state);
  // The API knows single states only: runs of a group of states are picked here from the answer to a search.
  if (cursor === null || (search === '' && ofState === undefined)) return undefined;
  return {
    ...{ limit: FOUND_MAX, cursor },
    ...(search === '' ? {} : { search }),
    ...(ofState === undefined ? {} : { state: ofState }),
  };
}

export function olderRunsKey(query: OlderRunsQuery | undefined): string[] {
  return [OLDER_RUNS, query?.cursor ?? '', query?.search ?? '', query?.state ?? ''];
}
