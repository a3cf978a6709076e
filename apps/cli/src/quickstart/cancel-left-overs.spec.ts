import { expect, it } from 'vitest';
import type { RunBody } from '@millrace/contracts';
import { AppError, type RunState } from '@millrace/core';
import { cancelLeftOvers } from './cancel-left-overs';

const run = (id: string, state: RunState): RunBody => ({ id, state }) as RunBody;

it('cancels every run of the home that has not ended, on all pages', async () => {
  const pages = [
    [run('a', 'succeeded'), run('b', 'recovering')],
    [run('c', 'queued'), run('d', 'paused')],
    [run('e', 'failed')],
  ];
  const cancelled: string[] = [];
  const client = {
    runs: ({ cursor }: { cursor?: string } = {}) => {
      const index = Number(cursor ?? 0);
      return Promise.resolve({ items: pages[index]!, nextCursor: index + 1 < pages.length ? String(index + 1) : null });
    },
    actOnRun: (id: string, action: string) => {
      cancelled.push(`${action} ${id}`);
      if (id === 'c') return Promise.reject(new AppError({ code: 'RUN.OVER', kind: 'conflict', message: 'it ended' }));
      return Promise.resolve({ id, state: 'cancelled' as const });
    },
  };
  await cancelLeftOvers(client, () => undefined);
  expect(cancelled).toEqual(['cancel b', 'cancel c', 'cancel d']);
});
