import { FakeClock } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { DeviceTurns } from './device-turns';

function scene() {
  const clock = new FakeClock();
  const given: [turnId: number, sliceMs: number][] = [];
  const turns = new DeviceTurns(clock, (id, sliceMs) => void given.push([id, sliceMs]));
  return { clock, given, turns };
}

describe('the device of an attempt in training', () => {
  it('is lent between two steps, to one after the other, and for a share of what a step takes', async () => {
    const { clock, given, turns } = scene();
    await turns.pause();
    turns.ask(1);
    turns.ask(2);
    clock.standStill(1_000);
    const pause = turns.pause();
    let training = false;
    void pause.then(() => (training = true));
    expect(given).toEqual([[1, 500]]);
    turns.over(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual([
      [1, 500],
      [2, 500],
    ]);
    // The end of a turn that was over before does not end this one.
    turns.over(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(training).toBe(false);
    turns.over(2);
    await pause;
    await turns.pause();
    expect(given).toHaveLength(2);
  });

  it('comes back from a generation that does not give it back', async () => {
    const { clock, given, turns } = scene();
    turns.ask(7);
    await clock.run(turns.pause(), 60_000);
    expect(given).toEqual([[7, 50]]);
    expect(clock.monotonicMs()).toBe(30_050);
  });
});
