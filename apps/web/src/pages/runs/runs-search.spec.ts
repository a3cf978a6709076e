import type { RunState } from '@millrace/core';
import type { BriefRunBody } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { filterRuns, readRunsSearch, readSort, writeSort } from './runs-search';

const run = (name: string, state: RunState, reason = ''): BriefRunBody =>
  ({
    id: `run_${name}`,
    name,
    project: 'lab',
    state,
    reason: reason === '' ? null : { code: 'X', message: reason },
  }) as BriefRunBody;

const runs = [run('alpha', 'running'), run('beta', 'failed', 'agent box-b went away'), run('gamma', 'queued')];
const names = (found: readonly BriefRunBody[]): string[] => found.map(({ name }) => name);

describe('the filter of runs', () => {
  it('finds every word, in name, id, project or reason', () => {
    expect(names(filterRuns(runs, { text: 'BOX-B lab' }))).toEqual(['beta']);
    expect(names(filterRuns(runs, { text: 'run_al' }))).toEqual(['alpha']);
    expect(names(filterRuns(runs, { text: 'alpha beta' }))).toEqual([]);
    expect(names(filterRuns(runs, { text: '  ' }))).toHaveLength(3);
  });

  it('takes a state or a group of states', () => {
    expect(names(filterRuns(runs, { state: 'failed' }))).toEqual(['beta']);
    expect(names(filterRuns(runs, { state: 'active' }))).toEqual(['alpha']);
    expect(names(filterRuns(runs, { state: 'waiting', text: 'gamma' }))).toEqual(['gamma']);
  });

  it('reads from an address only what it understands', () => {
    expect(readRunsSearch({ text: 7, state: 'nowhere', sort: 'a b' })).toEqual({});
    expect(readRunsSearch({ text: 'x', state: 'over', sort: '-created', other: 1 })).toEqual({
      text: 'x',
      state: 'over',
      sort: '-created',
    });
  });

  it('keeps an order as one word', () => {
    for (const sort of ['name', '-created']) expect(writeSort(readSort(sort))).toBe(sort);
    expect(writeSort(readSort(undefined))).toBeUndefined();
  });
});
