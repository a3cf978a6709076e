import { AppError } from '@millrace/core';
import type { BriefRunBody, Page, RunBody } from '@millrace/contracts';
import { type InfiniteData, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { client } from '../../api/client';
import { useLive } from '../../live/live-provider';
import { replaceRuns } from './merge-runs';

export const ALL_RUNS_KEY = ['all-runs'] as const;

/** Events about one run within this time lead to one question. */
const SETTLE_MS = 400;
/** At most so many runs are asked for one by one; for more of them the list is read again. */
const NAMED_MAX = 20;

/** Asks at once for older runs that an event names: the list itself is read again only now and then. */
export function useNamedRuns(all: readonly BriefRunBody[], newest: readonly BriefRunBody[] | undefined): void {
  const queries = useQueryClient();
  const named = useRef(new Set<string>());
  const timer = useRef<number>(undefined);
  const read = async (): Promise<void> => {
    timer.current = undefined;
    const ids = [...named.current];
    named.current.clear();
    if (ids.length > NAMED_MAX) return queries.invalidateQueries({ queryKey: ALL_RUNS_KEY });
    const found = new Map(await Promise.all(ids.map(async (id) => [id, await findRun(id)] as const)));
    queries.setQueryData<InfiniteData<Page<BriefRunBody>>>(ALL_RUNS_KEY, (data) => data && replaceRuns(data, found));
  };
  useLive(['runs'], ({ type, runId }) => {
    // A deleted run is removed with the list, which is read again for it.
    if (runId === null || runId === undefined || type === 'run.deleted') return;
    if (newest === undefined || newest.some(({ id }) => id === runId) || !all.some(({ id }) => id === runId)) return;
    named.current.add(runId);
    // If this fails, the row is brought up to date when the list is read again.
    timer.current ??= window.setTimeout(() => void read().catch(() => undefined), SETTLE_MS);
  });
  useEffect(() => () => window.clearTimeout(timer.current), []);
}

/** The run in the shorter form of the list. */
function briefOf({ spec, ...run }: RunBody): BriefRunBody {
  const { id, name, project, state, step, steps, reason, createdAt, startedAt, finishedAt } = run;
  const { pp, schedule } = spec.parallel;
  const parallel = { pp, schedule };
  return { ...{ id, name, project, state, step, steps, reason, parallel }, createdAt, startedAt, finishedAt };
}

/** The run; undefined if it is gone. */
async function findRun(id: string): Promise<BriefRunBody | undefined> {
  try {
    return briefOf(await client.run(id));
  } catch (error) {
    if (error instanceof AppError && error.kind === 'not_found') return undefined;
    throw error;
  }
}
