import { expect, it } from 'vitest';
import { FIRST_LOSS_SCALE, isExhausted, lossScaleOf, nextCounters, type UpdateCounters } from './loss-scale';

const FIRST: UpdateCounters = { updates: 0, lossScale: FIRST_LOSS_SCALE };

/** The counters after steps of which `overflowed` says what became of each. */
function after(overflowed: readonly boolean[], from = FIRST): UpdateCounters {
  return overflowed.reduce(nextCounters, from);
}

const scaleAfter = (overflowed: readonly boolean[]): number => lossScaleOf(after(overflowed));
const clean = (count: number): boolean[] => Array.from({ length: count }, () => false);
const skipped = (count: number): boolean[] => Array.from({ length: count }, () => true);

it('begins at 65536 and doubles after each 1000 clean steps in a row', () => {
  expect([0, 999, 1000, 1999, 2000].map((count) => scaleAfter(clean(count)) / 65_536)).toEqual([1, 1, 2, 2, 4]);
  expect(scaleAfter([...clean(999), true, ...clean(999)])).toBe(65_536);
});

it('bears one overflow and halves at every further one, until 1000 clean steps are done', () => {
  expect([1, 2, 3].map((count) => scaleAfter(skipped(count)))).toEqual([65_536, 32_768, 16_384]);
  // Clean steps between two overflows give no hysteresis back before the scale grows.
  expect(scaleAfter([true, ...clean(999), true])).toBe(32_768);
  expect(scaleAfter([true, ...clean(1000), true])).toBe(131_072);
});

it('counts a skipped step as no update', () => {
  expect(after([false, true, false, true, true, false]).updates).toBe(3);
});

it('never goes below 1, and gives up after 100 skips in a row there', () => {
  const floor = after(skipped(17));
  expect(floor.lossScale).toMatchObject({ scale: 1, skippedAtFloor: 0 });
  expect(lossScaleOf(after(skipped(1000), floor))).toBe(1);
  expect([99, 100].map((count) => isExhausted(after(skipped(count), floor)))).toEqual([false, true]);
  expect(isExhausted(after([...skipped(99), false, ...skipped(99)], floor))).toBe(false);
});

it('never grows beyond 2^32', () => {
  expect([15_999, 16_000, 40_000].map((count) => Math.log2(scaleAfter(clean(count))))).toEqual([31, 32, 32]);
});

it('goes on from a state as if it had not been stored', () => {
  const steps = [...clean(400), true, ...clean(700), true, true, ...clean(1000)];
  const stored = JSON.parse(JSON.stringify(after(steps.slice(0, 1101)))) as UpdateCounters;
  expect(after(steps.slice(1101), stored)).toEqual(after(steps));
});

it('only counts updates where gradients are not scaled', () => {
  const counters = after(clean(3), { updates: 4 });
  expect([counters, lossScaleOf(counters), isExhausted(counters)]).toEqual([{ updates: 7 }, 1, false]);
});
