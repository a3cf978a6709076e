import { describe, expect, it } from 'vitest';
import { mergeRuns, replaceRuns, withFound } from './merge-runs';

const run = (second: number, state = 'queued'): { id: string; createdAt: string; state: string } => ({
  ...{ id: `run_${second}`, createdAt: `2026-01-01T00:00:0${second}.000Z`, state },
});

describe('all runs and the newest', () => {
  it('take new ones, changes and deletions from the newest, and the rest as it was', () => {
    const all = [run(5), run(4), run(3), run(2), run(1)];
    const newest = [run(6), run(5, 'running'), run(3)];
    expect(mergeRuns(all, newest)).toEqual([run(6), run(5, 'running'), run(3), run(2), run(1)]);
  });

  it('tell runs of the same moment apart by their id', () => {
    const twin = { ...run(3), id: 'run_2' };
    expect(mergeRuns([run(3), twin], [run(3)])).toEqual([run(3), twin]);
  });

  it('have behind them what a search found besides', () => {
    const listed = [run(5), run(4)];
    expect(withFound(listed, [run(4), run(1)])).toEqual([run(5), run(4), run(1)]);
    expect(withFound(listed, [])).toBe(listed);
  });

  it('change where one was asked for by itself, and lose it when it is gone', () => {
    const page = (items: ReturnType<typeof run>[]): { items: ReturnType<typeof run>[]; nextCursor: null } => ({
      ...{ items, nextCursor: null },
    });
    const data = { pages: [page([run(5), run(4)]), page([run(3), run(2)])], pageParams: ['', 'next'] };
    const now = replaceRuns(
      data,
      new Map([
        ['run_3', run(3, 'failed')],
        ['run_2', undefined],
        ['run_1', run(1)],
      ]),
    );
    expect(now.pages[0]).toBe(data.pages[0]);
    expect(now.pages[1]).toEqual(page([run(3, 'failed')]));
    expect(now.pageParams).toEqual(data.pageParams);
  });

  it('are all as long as the newest are not known', () => {
    expect(mergeRuns([run(1)], [])).toEqual([run(1)]);
  });
});
