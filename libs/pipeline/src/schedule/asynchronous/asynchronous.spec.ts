import { describe, expect, it } from 'vitest';
import { executionSchedule } from '../../execution-schedule';
import { walkSchedule } from '../../proof/walk-schedule';
import type { Action } from '../action';
import type { Schedule } from '../schedule';
import { asynchronousCut } from './asynchronous-cut';
import { weightVersion, weightVersionsKept } from './weight-versions';

const UPDATES = [
  { name: 'pipedream', m: 1 },
  { name: 'pipedream', m: 1, verticalSync: true },
  { name: 'pipedream-2bw', m: 1 },
  { name: 'pipedream-2bw', m: 3 },
  { name: 'pipedream-2bw', m: 6 },
] as const;

function made(update: (typeof UPDATES)[number], ranks: number, steps: number): Schedule {
  const { m: microBatches, ...options } = update;
  return executionSchedule({ ...options, ranks, microBatches, steps }).schedule;
}

const table = (schedule: Schedule, microBatches: number): number[][] =>
  Array.from({ length: microBatches }, (_, microBatch) =>
    Array.from({ length: schedule.ranks }, (_unused, rank) =>
      weightVersion({ updates: schedule.updates, ranks: schedule.ranks, rank, microBatch }),
    ),
  );

describe('weightVersion', () => {
  it('PipeDream on 4 ranks: with stashing the newest at F, with vertical sync that of rank 0', () => {
    expect(table(made(UPDATES[0], 4, 6), 6)).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 1, 2],
      [0, 1, 2, 3],
      [1, 2, 3, 4],
      [2, 3, 4, 5],
    ]);
    expect(
      table(made(UPDATES[1], 4, 6), 6).map(([first, ...others]) => [first, new Set([first, ...others]).size]),
    ).toEqual([0, 0, 0, 0, 1, 2].map((version) => [version, 1]));
  });

  it('2BW: one update old everywhere', () => {
    const versions = table(made(UPDATES[3], 2, 4), 12).map(([version]) => version);
    expect(versions).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
  });

  it('is 0 within a step that flushes', () => {
    const updates = { mode: 'flush', microBatches: 4 } as const;
    expect(weightVersion({ updates, ranks: 2, rank: 1, microBatch: 3 })).toBe(0);
    expect(weightVersionsKept({ updates, ranks: 2, rank: 1 })).toBe(1);
  });

  it.each(UPDATES)('agrees with the order of F and STEP, and keeps no more than the formula: %j', (update) => {
    for (const ranks of [1, 2, 3, 4, 7]) {
      const schedule = made(update, ranks, 20);
      const most = mostVersionsKept(schedule);
      const formula = most.map((_, rank) => weightVersionsKept({ updates: schedule.updates, ranks, rank }));
      expect(most).toEqual(formula);
    }
  });
});

/** Replays the schedule; every F must find its version, and under stashing that is the newest one. */
function mostVersionsKept(schedule: Schedule): number[] {
  const { ranks, updates, microBatches } = schedule;
  const newest = Array<number>(ranks).fill(0);
  const undone = Array.from({ length: ranks }, () => new Set(Array(microBatches).keys()));
  const most = Array<number>(ranks).fill(1);
  walkSchedule(schedule, Infinity, (rank: number, { kind, microBatch }: Action) => {
    const uses = (each: number): number => weightVersion({ updates, ranks, rank, microBatch: each });
    const current = newest[rank] ?? 0;
    if (kind === 'F') {
      expect(uses(microBatch)).toBeLessThanOrEqual(current);
      if (updates.mode === 'stash') expect(uses(microBatch)).toBe(current);
    }
    if (kind === 'W') undone[rank]?.delete(microBatch);
    if (kind === 'STEP') newest[rank] = current + 1;
    // From the oldest that some micro-batch still needs, to the newest.
    const oldest = Math.min(newest[rank] ?? 0, ...[...(undone[rank] ?? [])].map(uses));
    most[rank] = Math.max(most[rank] ?? 1, (newest[rank] ?? 0) - oldest + 1);
  });
  return most;
}

describe('asynchronousCut', () => {
  it('holds the micro-batches in flight and the tensors under way when every rank has done the same updates', () => {
    const schedule = made(UPDATES[0], 3, 10);
    const cut = asynchronousCut(schedule, 4);
    expect(cut.inFlight).toEqual([[4, 5], [4], []]);
    expect(cut.underWay).toEqual([
      { kind: 'SEND_F', stage: 0, microBatch: 5 },
      { kind: 'SEND_F', stage: 1, microBatch: 4 },
    ]);
    cut.positions.forEach((position, rank) => {
      expect(schedule.actions[rank]?.[position - 1]).toEqual({ kind: 'STEP', stage: rank, microBatch: 3 });
    });
  });

  it('is empty at both ends', () => {
    const schedule = made(UPDATES[4], 3, 4);
    expect(asynchronousCut(schedule, 0)).toMatchObject({ inFlight: [[], [], []], underWay: [] });
    expect(asynchronousCut(schedule, 4)).toMatchObject({ inFlight: [[], [], []], underWay: [] });
  });

  it.each(UPDATES)('never receives before it what is sent after it: %j', (update) => {
    const schedule = made(update, 4, 6);
    for (let version = 0; version <= 6; version++) {
      const { positions, underWay } = asynchronousCut(schedule, version);
      const rest = { ...schedule, actions: schedule.actions.map((row, rank) => row.slice(positions[rank])) };
      // Put what was under way before the rest: it must run to its end.
      const senders = rest.actions.map((row, rank) => [
        ...underWay.filter(({ stage }) => schedule.rankOfStage[stage] === rank),
        ...row,
      ]);
      expect(walkSchedule({ ...rest, actions: senders }, Infinity)).toEqual([]);
    }
  });

  it.each([
    [1.5, made(UPDATES[0], 2, 3)],
    [9, made(UPDATES[0], 2, 3)],
    [1, executionSchedule({ name: '1f1b', ranks: 2, microBatches: 3 }).schedule],
  ])('refuses version %d', (version, schedule) => {
    expect(() => asynchronousCut(schedule, version)).toThrowError(
      expect.objectContaining({ code: 'PIPELINE.CUT_IMPOSSIBLE' }),
    );
  });
});
