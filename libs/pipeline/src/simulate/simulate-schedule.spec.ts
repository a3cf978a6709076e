import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowerSchedule } from '../lower/lower-schedule';
import { makeSchedule } from '../schedule/make-schedule';
import { SCHEDULE_NAMES, type Schedule } from '../schedule/schedule';
import { splitBackward } from '../schedule/split-backward';
import { parseCsv } from '../text/csv';
import { simulateSchedule } from './simulate-schedule';

const UNIT = { F: 1, I: 1, W: 1 };

function lowered(name: string, ranks: number, microBatches: number): Schedule {
  return lowerSchedule(makeSchedule({ name, ranks, microBatches }));
}

const shapes = fc.record({
  name: fc.constantFrom(...SCHEDULE_NAMES),
  ranks: fc.integer({ min: 1, max: 16 }),
  microBatches: fc.integer({ min: 1, max: 64 }),
});
const time = fc.double({ min: 0.01, max: 10, noNaN: true });
const computeTimes = fc.record({ F: time, I: time, W: time });

describe('simulateSchedule', () => {
  it.each(SCHEDULE_NAMES)('%s, p = 8, m = 32, F = I = W = 1 idles 21', (name) => {
    const simulation = simulateSchedule(lowered(name, 8, 32), UNIT);
    expect(simulation.stepTime).toBe(117);
    expect(simulation.idlePerRank).toEqual(Array(8).fill(21));
    expect(simulation.bubbleOfTotal).toBeCloseTo(7 / 39, 12);
    expect(simulation.bubbleOfIdeal).toBeCloseTo(7 / 32, 12);
  });

  it('1f1b, p = 4, m = 8: idle 9 of 33, and the published peaks', () => {
    const simulation = simulateSchedule(lowered('1f1b', 4, 8), UNIT);
    expect(simulation).toMatchObject({ stepTime: 33, idlePerRank: [9, 9, 9, 9] });
    expect(simulation.spanIdlePerRank).toEqual([9, 6, 3, 0]);
    expect(simulation.peakMicroBatches).toEqual({ untilInput: [4, 3, 2, 1], untilWeight: [4, 3, 2, 1] });
  });

  it('split backward idles (p-1)(F+I) per rank', () => {
    const split = lowerSchedule(splitBackward(makeSchedule({ name: '1f1b', ranks: 4, microBatches: 8 })));
    expect(simulateSchedule(split, UNIT)).toMatchObject({ stepTime: 30, idlePerRank: [6, 6, 6, 6] });
  });

  it('hides transfers behind computing in the steady state', () => {
    const split = lowerSchedule(splitBackward(makeSchedule({ name: '1f1b', ranks: 2, microBatches: 16 })));
    const link = { forward: 0.25, backward: 0.25 };
    const [free, linked] = [simulateSchedule(split, UNIT), simulateSchedule(split, { ...UNIT, link })];
    // Only the first activation and the last gradient are waited for.
    expect(linked.stepTime).toBe(free.stepTime + 0.5);
  });

  it('queues tensors on a slow link', () => {
    const slow = simulateSchedule(lowered('gpipe', 2, 4), { ...UNIT, link: { forward: 3, backward: 0 } });
    const starts = slow.actions[1]?.slice(0, 4).map(({ start }) => start);
    expect(starts).toEqual([4, 7, 10, 13]);
  });

  it('takes measured times per stage: the slowest stage sets the pace', () => {
    const stages = [UNIT, { F: 2, I: 2, W: 2 }];
    const { stepTime, idlePerRank, bubbleOfTotal } = simulateSchedule(lowered('1f1b', 2, 4), { stages });
    expect(stepTime).toBe(1 + 4 * 6 + 2);
    expect(idlePerRank).toEqual([15, 3]);
    expect(bubbleOfTotal).toBeCloseTo(18 / 54, 12);
  });

  it('gives a chunk 1/v of the share', () => {
    const vee = lowerSchedule(parseCsv('0F0,3F0,3B0,0B0\n1F0,2F0,2B0,1B0\n'));
    const simulation = simulateSchedule(vee, UNIT);
    expect(simulation).toMatchObject({ stepTime: 6, idlePerRank: [3, 3] });
    expect(simulation.peakMicroBatches.untilWeight).toEqual([1, 1]);
  });

  it('takes exactly (m+p-1)(F+B) with equal stages', () => {
    fc.assert(
      fc.property(shapes, computeTimes, (shape, times) => {
        const { stepTime, idlePerRank } = simulateSchedule(lowered(shape.name, shape.ranks, shape.microBatches), times);
        const share = times.F + times.I + times.W;
        const closed = (shape.microBatches + shape.ranks - 1) * share;
        expect(Math.abs(stepTime - closed)).toBeLessThan(1e-9 * closed);
        for (const idle of idlePerRank) {
          expect(Math.abs(idle - (shape.ranks - 1) * share)).toBeLessThan(1e-9 * closed);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('never runs two actions of a rank at once, nor a stage before its input, whatever the times', () => {
    const timed = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        split: fc.boolean(),
        stages: fc.array(computeTimes, { minLength: shape.ranks, maxLength: shape.ranks }),
        links: fc.array(fc.record({ forward: time, backward: time }), {
          minLength: shape.ranks - 1,
          maxLength: shape.ranks - 1,
        }),
      }),
    );
    fc.assert(
      fc.property(timed, ({ shape, split, stages, links }) => {
        const made = makeSchedule(shape);
        const simulation = simulateSchedule(lowerSchedule(split ? splitBackward(made) : made), { stages, links });
        const starts = new Map<string, number>();
        const ends = new Map<string, number>();
        for (const row of simulation.actions) {
          expect(row).toHaveLength(3 * shape.microBatches);
          row.forEach(({ action, start, end }, index) => {
            expect(start).toBeGreaterThanOrEqual(row[index - 1]?.end ?? 0);
            starts.set(`${action.kind}${action.stage}.${action.microBatch}`, start);
            ends.set(`${action.kind}${action.stage}.${action.microBatch}`, end);
          });
        }
        for (let stage = 1; stage < shape.ranks; stage++) {
          for (let k = 0; k < shape.microBatches; k++) {
            const { forward, backward } = links[stage - 1] ?? { forward: 0, backward: 0 };
            expect(starts.get(`F${stage}.${k}`)).toBeGreaterThanOrEqual(
              (ends.get(`F${stage - 1}.${k}`) ?? 0) + forward,
            );
            expect(starts.get(`I${stage - 1}.${k}`)).toBeGreaterThanOrEqual(
              (ends.get(`I${stage}.${k}`) ?? 0) + backward,
            );
          }
        }
        const slowest = Math.max(...stages.map(({ F, I, W }) => F + I + W));
        expect(simulation.stepTime).toBeGreaterThanOrEqual(slowest * shape.microBatches * (1 - 1e-9));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [{ F: 1, I: -1, W: 1 }, /-1 is no duration/],
    [{ F: NaN, I: 1, W: 1 }, /NaN is no duration/],
    [{ stages: [UNIT] }, /2 stages need 2 times and 1 link times, not 1 and 1/],
    [{ stages: [UNIT, UNIT], links: [] }, /not 2 and 0/],
  ])('refuses times %j', (times, message) => {
    expect(() => simulateSchedule(lowered('1f1b', 2, 2), times)).toThrowError(message);
  });

  it('gives zero bubbles, not NaN, when nothing takes time', () => {
    const { bubbleOfTotal, bubbleOfIdeal } = simulateSchedule(lowered('1f1b', 2, 2), { F: 0, I: 0, W: 0 });
    expect([bubbleOfTotal, bubbleOfIdeal]).toEqual([0, 0]);
  });
});
