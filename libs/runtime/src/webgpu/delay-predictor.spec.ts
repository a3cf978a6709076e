import { describe, expect, it } from 'vitest';
import { DelayPredictor } from './delay-predictor';

/** Lets the predictor wait `rounds` times for something that takes `actualMs`; gives the last sleep. */
function waits(predictor: DelayPredictor, actualMs: number, rounds: number): number {
  let sleptMs = 0;
  for (let round = 0; round < rounds; round++) {
    predictor.note('forward');
    const pattern = predictor.take();
    sleptMs = predictor.sleepMs(pattern);
    predictor.learn(pattern, sleptMs, Math.max(0, actualMs - sleptMs));
  }
  return sleptMs;
}

describe('DelayPredictor', () => {
  it('ignores the first time of a pattern, which may compile, then sleeps most of its time', () => {
    const predictor = new DelayPredictor();
    expect(waits(predictor, 5000, 1)).toBe(0);
    expect(waits(predictor, 100, 1)).toBe(0);
    expect(waits(predictor, 100, 1)).toBe(90);
    expect(predictor.sleepMs('another pattern')).toBe(0);
  });

  it('follows a device that becomes faster or slower', () => {
    const predictor = new DelayPredictor();
    waits(predictor, 1000, 5);
    const faster = waits(predictor, 20, 14);
    expect(faster).toBeLessThanOrEqual(20);
    expect(faster).toBeGreaterThan(10);
    expect(waits(predictor, 200, 40)).toBeGreaterThan(170);
  });

  it('takes the caller at his word, within a bound', () => {
    const predictor = new DelayPredictor();
    expect(predictor.sleepMs('x', 50)).toBe(45);
    expect(predictor.sleepMs('x', 1)).toBe(0);
    expect(predictor.sleepMs('x', 1e9)).toBe(5000);
  });
});
