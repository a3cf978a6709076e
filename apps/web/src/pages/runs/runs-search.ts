import { RUN_STATES, type RunState } from '@millrace/core';
import { type BriefRunBody } from '@millrace/contracts';

/** The state of the runs page that its address holds, so that a link shows the same rows in the same order. */
export interface RunsSearch {
  readonly text?: string;
  readonly state?: RunStateGroup | RunState;
  readonly sort?: string;
}

export const STATE_GROUPS = ['active', 'waiting', 'over'] as const;
export type RunStateGroup = (typeof STATE_GROUPS)[number];

const GROUP_OF: Readonly<Record<RunState, RunStateGroup>> = {
  queued: 'waiting',
  scheduled: 'active',
  starting: 'active',
  running: 'active',
  pausing: 'active',
  paused: 'waiting',
  recovering: 'active',
  stopping: 'active',
  succeeded: 'over',
  failed: 'over',
  cancelled: 'over',
};

export function readRunsSearch(search: Record<string, unknown>): RunsSearch {
  const { text, state, sort } = search;
  const known: readonly unknown[] = [...STATE_GROUPS, ...RUN_STATES];
  return {
    ...(typeof text === 'string' && text !== '' ? { text } : {}),
    ...(known.includes(state) ? { state: state as RunState } : {}),
    ...(typeof sort === 'string' && /^-?[a-z]+$/i.test(sort) ? { sort } : {}),
  };
}

/**
 * The runs whose name, id, project or reason contains every word and whose state is the wanted one or belongs to the
 * wanted group.
 */
export function filterRuns(runs: readonly BriefRunBody[], { text = '', state }: RunsSearch): BriefRunBody[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (state !== undefined && run.state !== state && GROUP_OF[run.state] !== state) return false;
    if (words.length === 0) return true;
    const { name, id, project, reason } = run;
    const searched = `${name} ${id} ${project} ${reason?.message ?? ''} ${reason?.code ?? ''}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}

/** Example: `-created` sorts the newest first. */
export function readSort(sort: string | undefined): { id: string; desc: boolean }[] {
  if (sort === undefined) return [];
  return [{ id: sort.replace(/^-/, ''), desc: sort.startsWith('-') }];
}

export function writeSort([first]: readonly { id: string; desc: boolean }[]): string | undefined {
  return first && `${first.desc ? '-' : ''}${first.id}`;
}
