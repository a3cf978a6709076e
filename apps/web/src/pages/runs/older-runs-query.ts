import { RUN_STATES, type RunState } from '@millrace/core';
import type { RunsSearch } from './runs-search';

const FOUND_MAX = 1_000;

/**
 * Not under ['runs'], which every event makes stale, a few times a second: a search reads all older runs.
 * @see staleQueries
 */
const OLDER_RUNS = 'older-runs';

export interface OlderRunsQuery {
  readonly limit: number;
  readonly cursor: string;
  readonly search?: string;
  readonly state?: RunState;
}

/** What the API is asked for behind `cursor`, where the loaded runs end; undefined without anything to ask it for. */
export function olderRunsQuery({ text = '', state }: RunsSearch, cursor: string | null): OlderRunsQuery | undefined {
  const search = text.trim();
  const ofState = RUN_STATES.find((known) => known === state);
  // Of a group of states the API knows nothing: with a search it is told apart here.
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
