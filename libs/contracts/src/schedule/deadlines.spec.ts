import { describe, expect, it } from 'vitest';
import { startDeadlineMs, stepDeadlineMs } from './deadlines';

const MINUTE_MS = 60_000;

describe('the deadline of a step', () => {
  it('is a multiple of what was predicted, until steps show otherwise, and never less than minutes', () => {
    expect(stepDeadlineMs({ expectedMs: 10 })).toBe(5 * MINUTE_MS);
    expect(stepDeadlineMs({ expectedMs: MINUTE_MS })).toBe(20 * MINUTE_MS);
    expect(stepDeadlineMs({ expectedMs: 10, usualMs: MINUTE_MS })).toBe(20 * MINUTE_MS);
    expect(stepDeadlineMs({ expectedMs: undefined })).toBe(60 * MINUTE_MS);
  });

  it('is stretched by slow steps to an hour at most, or to what the prediction asks for', () => {
    expect(stepDeadlineMs({ expectedMs: 10, usualMs: 50 * MINUTE_MS })).toBe(60 * MINUTE_MS);
    expect(stepDeadlineMs({ expectedMs: undefined, usualMs: 50 * MINUTE_MS })).toBe(60 * MINUTE_MS);
    expect(stepDeadlineMs({ expectedMs: 10 * MINUTE_MS, usualMs: 50 * MINUTE_MS })).toBe(200 * MINUTE_MS);
  });
});

it('gives a start the time to fetch what its ranks need', () => {
  expect(startDeadlineMs()).toBe(15 * MINUTE_MS);
  expect(startDeadlineMs(60 * 2 ** 20)).toBe(16 * MINUTE_MS);
});
