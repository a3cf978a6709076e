import { describe, expect, it } from 'vitest';
import { executionSchedule } from '../../execution-schedule';
import { proveSchedule } from '../../proof/prove-schedule';
import type { Action } from '../action';
import { formatAction } from '../action-text';
import type { Schedule } from '../schedule';
import { asynchronousCut } from './asynchronous-cut';
import { flushlessRow, flushlessWarmUp } from './flushless-row';
import { flushlessWindow } from './flushless-window';

const UPDATES = [
  { name: 'pipedream', microBatches: 1 },
  { name: 'pipedream', microBatches: 1, verticalSync: true },
  { name: 'pipedream-2bw', microBatches: 1 },
  { name: 'pipedream-2bw', microBatches: 3 },
  { name: 'pipedream-2bw', microBatches: 5 },
] as const;
const RANKS = [1, 2, 3, 4, 7];

async function rows({ updates, ranks }: Schedule, first: number, steps: number): Promise<Action[][]> {
  const all: Action[][] = [];
  for (let rank = 0; rank < ranks; rank++) {
    const row: Action[] = [];
    const shape = { updates, ranks, rank };
    for await (const action of flushlessRow(shape, first, (update) => update < first + steps)) row.push(action);
    all.push(row);
  }
  return all;
}

const text = (actions: readonly (readonly Action[])[]): string[] =>
  actions.map((row) => row.map((action) => formatAction(action)).join(' '));

describe('flushlessRow', () => {
  it.each(UPDATES)('is the lowered schedule of any run longer than its warm-up: %j', async (update) => {
    for (const ranks of RANKS) {
      for (let steps = 1; steps <= 17; steps++) {
        const { schedule } = executionSchedule({ ...update, ranks, steps });
        if (steps * update.microBatches < ranks) continue;
        expect(text(await rows(schedule, 0, steps))).toEqual(text(schedule.actions));
      }
    }
  });

  it.each(UPDATES)('is proved on links of one tensor where the run ends within its warm-up: %j', async (update) => {
    for (const ranks of RANKS) {
      for (let steps = 1; steps * update.microBatches < ranks; steps++) {
        const { schedule } = executionSchedule({ ...update, ranks, steps });
        const row = { ...schedule, linkSlotsLimit: 1, actions: await rows(schedule, 0, steps) };
        expect(() => proveSchedule(row)).not.toThrow();
      }
    }
  });

  it.each(UPDATES)('goes on after any update as a new run whose warm-up is what was in flight: %j', async (update) => {
    for (const ranks of [2, 3, 5]) {
      const steps = 9;
      const { schedule } = executionSchedule({ ...update, ranks, steps });
      for (let version = 1; version + ranks < steps; version++) {
        const cut = asynchronousCut(schedule, version);
        const again = await rows(schedule, version, steps - version);
        again.forEach((row, rank) => {
          const warmUp = flushlessWarmUp({ updates: schedule.updates, ranks, rank });
          const done = row.filter(({ kind }) => kind === 'F').slice(0, warmUp);
          expect(done.map(({ microBatch }) => microBatch)).toEqual(cut.inFlight[rank]);
          const doneCells = warmUp * (rank === 0 ? 2 : 3);
          expect(text([row.slice(doneCells)])).toEqual(text([schedule.actions[rank]!.slice(cut.positions[rank])]));
        });
        expect(cut.underWay.every(({ kind }) => kind === 'SEND_F')).toBe(true);
      }
    }
  });
});

describe('flushlessWindow', () => {
  it.each(UPDATES)('has the peaks and the proof of longer runs: %j', (update) => {
    for (const ranks of RANKS) {
      const window = executionSchedule(flushlessWindow({ ...update, ranks, steps: 10_000 }));
      const longer = executionSchedule({ ...update, ranks, steps: 23 });
      expect(window.proof).toEqual(longer.proof);
    }
  });

  it('leaves schedules that flush, and short runs, as they are', () => {
    const flushing = { name: '1f1b', ranks: 3, microBatches: 4 };
    expect(flushlessWindow(flushing)).toBe(flushing);
    expect(flushlessWindow({ name: 'pipedream', ranks: 4, microBatches: 1, steps: 2 }).steps).toBe(2);
    expect(flushlessWindow({ name: 'pipedream-2bw', ranks: 4, microBatches: 3, steps: 99 }).steps).toBe(3);
  });
});
