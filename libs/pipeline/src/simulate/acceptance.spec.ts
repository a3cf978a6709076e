import { describe, expect, it } from 'vitest';
import { lowerSchedule } from '../lower/lower-schedule';
import { proveSchedule } from '../proof/prove-schedule';
import { makeSchedule } from '../schedule/make-schedule';
import { simulateSchedule } from './simulate-schedule';

/** name, v, idle per rank, longest span idle, peak until I and until W on the first and the last rank. */
type Line = [string, number, number, number, [number, number], [number, number]];

const AT_8_32: Line[] = [
  ['gpipe', 1, 21, 21, [32, 32], [32, 32]],
  ['1f1b', 1, 21, 21, [8, 1], [8, 1]],
  ['interleaved', 2, 10.5, 10.5, [11.5, 4.5], [11.5, 4.5]],
  ['interleaved', 4, 5.25, 5.25, [9.75, 6.25], [9.75, 6.25]],
  ['looped-bfs', 2, 10.5, 10.5, [32, 32], [32, 32]],
  ['looped-bfs', 4, 5.25, 5.25, [32, 32], [32, 32]],
  ['zb-h1', 1, 7, 7, [8, 1], [8, 8]],
  ['zb-h2', 1, 7, 0, [15, 1], [15, 15]],
  ['zb-v', 2, 3.5, 0, [8, 8], [8, 8]],
  ['dualpipe-v', 2, 7, 7, [8.5, 8.5], [8.5, 8.5]],
  ['pipedream', 1, 21, 21, [8, 1], [8, 1]],
  ['pipedream-2bw', 1, 21, 21, [8, 1], [8, 1]],
];

const AT_4_8: Line[] = [
  ['gpipe', 1, 9, 9, [8, 8], [8, 8]],
  ['1f1b', 1, 9, 9, [4, 1], [4, 1]],
  ['interleaved', 2, 4.5, 4.5, [5.5, 2.5], [5.5, 2.5]],
  ['interleaved', 4, 2.25, 2.25, [4.75, 3.25], [4.75, 3.25]],
  ['looped-bfs', 2, 4.5, 4.5, [8, 8], [8, 8]],
  ['zb-h1', 1, 3, 3, [4, 1], [4, 4]],
  ['zb-h2', 1, 3, 0, [7, 1], [7, 7]],
  ['zb-v', 2, 1.5, 0, [4, 4], [4, 4]],
  ['dualpipe-v', 2, 3, 3, [4.5, 4.5], [4.5, 4.5]],
];

/** Textbook form: B is one action, F = I = W = 1, transfers take no time. */
describe.each([
  ['p = 8, m = 32', 8, 32, AT_8_32],
  ['p = 4, m = 8', 4, 8, AT_4_8],
] as const)('the published numbers, %s', (_, ranks, microBatches, lines) => {
  it.each(lines)('%s, v = %d: idle %d, span idle %d', (name, chunks, idle, spanIdle, untilInput, untilWeight) => {
    const lowered = lowerSchedule(makeSchedule({ name, ranks, microBatches, chunks }));
    proveSchedule(lowered);
    const simulation = simulateSchedule(lowered, { F: 1, I: 1, W: 1 });
    const ends = (peaks: readonly number[]): (number | undefined)[] => [peaks[0], peaks.at(-1)];
    expect(simulation.idlePerRank).toEqual(Array(ranks).fill(idle));
    expect(Math.max(...simulation.spanIdlePerRank)).toBe(spanIdle);
    expect(simulation.stepTime).toBe(3 * microBatches + idle);
    expect(simulation.bubbleOfTotal).toBeCloseTo(idle / (3 * microBatches + idle), 12);
    expect(simulation.bubbleOfIdeal).toBeCloseTo(idle / (3 * microBatches), 12);
    expect(ends(simulation.peakMicroBatches.untilInput)).toEqual(untilInput);
    expect(ends(simulation.peakMicroBatches.untilWeight)).toEqual(untilWeight);
  });
});

it('zb-h2 and zb-v with unequal times, p = 4: span idle 1.8 and 1.2 for F = 1, I = 1.2, W = 0.8', () => {
  const spans = ['zb-h2', 'zb-v'].map((name) => {
    const lowered = lowerSchedule(makeSchedule({ name, ranks: 4, microBatches: 8 }));
    return Math.max(...simulateSchedule(lowered, { F: 1, I: 1.2, W: 0.8 }).spanIdlePerRank);
  });
  expect(spans[0]).toBeCloseTo(1.8, 12);
  expect(spans[1]).toBeCloseTo(1.2, 12);
});
