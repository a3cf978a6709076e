import { describe, expect, it } from 'vitest';
import type { Clock } from './clock';
import { deadline, LATE_MS, within } from './deadline';

/** A clock of one timer, moved by hand; `lateMs`: how much later than asked the timer fires. */
function handClock(): Clock & { fire(lateMs?: number): void; readonly isArmed: boolean } {
  let nowMs = 0;
  let timer: { readonly dueMs: number; readonly task: () => void } | undefined;
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, task) => {
      const own = { dueMs: nowMs + delayMs, task };
      timer = own;
      return () => {
        if (timer === own) timer = undefined;
      };
    },
    fire: (lateMs = 0) => {
      const due = timer!;
      timer = undefined;
      nowMs = due.dueMs + lateMs;
      due.task();
    },
    get isArmed() {
      return timer !== undefined;
    },
  };
}

describe('a deadline', () => {
  it('passes once, and gives the whole time again to a process that stood still', () => {
    const clock = handClock();
    let passed = 0;
    deadline(clock, 1000, () => passed++);
    clock.fire(LATE_MS + 1);
    expect([passed, clock.isArmed]).toEqual([0, true]);
    clock.fire(LATE_MS);
    expect([passed, clock.isArmed]).toEqual([1, false]);
  });

  it('begins anew when it is told to, and never after it was cancelled', () => {
    const clock = handClock();
    const timer = deadline(clock, 1000, () => undefined);
    timer.restart();
    expect(clock.isArmed).toBe(true);
    timer.cancel();
    timer.restart();
    expect(clock.isArmed).toBe(false);
  });
});

describe('work within a time', () => {
  it('gives its own result and leaves no timer', async () => {
    const clock = handClock();
    expect(await within(clock, 1000, { work: Promise.resolve('done'), late: () => 'late' })).toBe('done');
    expect(clock.isArmed).toBe(false);
  });

  it('gives, or throws, what is said for being late', async () => {
    const clock = handClock();
    const work = new Promise<string>(() => undefined);
    const given = within(clock, 1000, { work, late: () => 'late' });
    clock.fire();
    expect(await given).toBe('late');
    const thrown = within(clock, 1000, {
      work,
      late: () => {
        throw new RangeError('too late');
      },
    });
    clock.fire();
    await expect(thrown).rejects.toThrow('too late');
  });
});
