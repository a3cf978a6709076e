import { STEP_WAIT_CAUSES } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { accountMetrics } from './account-metrics';
import { StepAccount } from './step-account';

const at = (startMs: number, endMs: number): { startMs: number; endMs: number } => ({ startMs, endMs });
const waits = (values: Partial<Record<string, number>>): number[] =>
  STEP_WAIT_CAUSES.map((cause) => values[cause] ?? 0);

describe('StepAccount', () => {
  it('counts a wait only while the device has nothing to do', () => {
    const account = new StepAccount();
    account.begin(100);
    account.add('wait-input', at(100, 130));
    account.add('compute', at(130, 150));
    // The device computes for 20 of these 40.
    account.add('compute', at(160, 170));
    account.add('compute', at(170, 180));
    account.add('wait-gradient', at(150, 190));
    account.add('optimizer', at(190, 195));
    account.add('wait-commit', at(192, 200));
    expect(account.end(200)).toEqual({
      totalMs: 100,
      computeMs: 40,
      optimizerMs: 5,
      waitMs: waits({ input: 30, gradient: 20, commit: 5 }),
    });
  });

  it('counts one long action against every wait that it covers', () => {
    const account = new StepAccount();
    account.begin(0);
    account.add('compute', at(0, 100));
    account.add('wait-input', at(10, 20));
    account.add('wait-input', at(30, 120));
    expect(account.end(120).waitMs).toEqual(waits({ input: 20 }));
  });

  it('takes of what began before the step only what lies in it, and begins anew', () => {
    const account = new StepAccount();
    account.begin(0);
    account.add('compute', at(0, 10));
    account.end(10);
    account.begin(50);
    account.add('optimizer', at(10, 53));
    account.add('wait-evaluation', at(20, 49));
    expect(account.end(60)).toEqual({ totalMs: 10, computeMs: 0, optimizerMs: 3, waitMs: waits({}) });
  });
});

describe('accountMetrics', () => {
  it('gives both bubbles and the mean wait of the ranks by cause', () => {
    const accounts = [
      { totalMs: 110, computeMs: 80, optimizerMs: 10, waitMs: waits({ gradient: 20 }), sentBytes: 700 },
      { totalMs: 100, computeMs: 70, optimizerMs: 0, waitMs: waits({ input: 10, gradient: 20 }), sentBytes: 300 },
    ];
    const points = new Map(accountMetrics(7, accounts).map(({ name, value }) => [name, value]));
    expect(points.get('pipeline/bubble_ratio')).toBeCloseTo(50 / 200, 12);
    expect(points.get('pipeline/bubble_ratio_ideal')).toBeCloseTo(50 / 150, 12);
    expect(points.get('pipeline/sent_bytes')).toBe(1000);
    expect(points.get('pipeline/wait_seconds')).toBeCloseTo(0.025, 12);
    expect(points.get('pipeline/wait_seconds/gradient')).toBeCloseTo(0.02, 12);
    expect(points.get('pipeline/wait_seconds/input')).toBeCloseTo(0.005, 12);
    expect(points.get('pipeline/wait_seconds/commit')).toBe(0);
    expect(accountMetrics(7, accounts).every(({ step }) => step === 7)).toBe(true);
  });

  it('has numbers for a step without any time', () => {
    const accounts = [{ totalMs: 0, computeMs: 0, optimizerMs: 0, waitMs: waits({}), sentBytes: 0 }];
    expect(accountMetrics(1, accounts).every(({ value }) => value === 0)).toBe(true);
  });
});
