import { describe, expect, it } from 'vitest';
import { CallBudget } from './call-budget';
import { OpenCalls } from './open-calls';

function scene({ perSecond = 3, callersMax = 4 } = {}) {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs };
  const advance = (byMs: number): void => void (nowMs += byMs);
  return { advance, budget: new CallBudget({ perSecond, callersMax, clock }) };
}

describe('a budget of calls', () => {
  it('lets each caller call so often in a second, and says when again', () => {
    const { advance, budget } = scene();
    expect([1, 2, 3].map(() => budget.take('a'))).toEqual([0, 0, 0]);
    advance(400);
    expect(budget.take('a')).toBe(600);
    expect([budget.waitMs('a'), budget.waitMs('b'), budget.waitMs('b')]).toEqual([600, 0, 0]);
    expect(budget.take('b')).toBe(0);
    advance(600);
    expect(budget.take('a')).toBe(0);
  });

  it('remembers no more callers than it may: the rest share one budget until others are over', () => {
    const { advance, budget } = scene();
    for (const caller of ['a', 'b', 'c', 'd']) budget.take(caller);
    const strangers = Array.from({ length: 1_000 }, (_, index) => budget.take(`stranger ${index}`));
    expect(strangers.filter((waitMs) => waitMs === 0)).toHaveLength(3);
    expect(budget.take('a')).toBe(0);
    advance(1_000);
    expect(['e', 'f', 'e'].map((caller) => budget.take(caller))).toEqual([0, 0, 0]);
  });
});

describe('open calls', () => {
  it('are counted per caller, and each ends once', () => {
    const calls = new OpenCalls(2);
    const [first, second] = [calls.open('a'), calls.open('a')];
    expect(second).toBeDefined();
    expect(calls.open('a')).toBeUndefined();
    expect(calls.open('b')).toBeDefined();
    first?.();
    first?.();
    expect(calls.open('a')).toBeDefined();
    expect(calls.open('a')).toBeUndefined();
  });
});
