import { STEP_WAIT_CAUSES } from '@millrace/contracts/plain';
import type { MetricValue } from '../stage-ports';
import type { RankAccount } from './step-account';

const MS_PER_SECOND = 1000;

/**
 * The points that describe the pipeline in one step, computed from every rank's account; `METRICS` of
 * @millrace/contracts defines them. A rank is idle while it computes nothing, REDUCE and STEP left out: the simulation
 * counts idle time in the same way.
 */
export function accountMetrics(step: number, accounts: readonly RankAccount[]): MetricValue[] {
  const windowMs = sum(accounts.map(({ totalMs, optimizerMs }) => Math.max(0, totalMs - optimizerMs)));
  const computeMs = sum(accounts.map((account) => account.computeMs));
  const idleMs = Math.max(0, windowMs - computeMs);
  const waits = STEP_WAIT_CAUSES.map((_, index) => {
    const ms = sum(accounts.map(({ waitMs }) => waitMs[index] ?? 0));
    return ms / MS_PER_SECOND / Math.max(1, accounts.length);
  });
  const point = (name: string, value: number): MetricValue => ({ name: `pipeline/${name}`, step, value });
  return [
    point('bubble_ratio', ratio(idleMs, windowMs)),
    point('bubble_ratio_ideal', ratio(idleMs, computeMs)),
    point('wait_seconds', sum(waits)),
    point('sent_bytes', sum(accounts.map(({ sentBytes }) => sentBytes))),
    ...STEP_WAIT_CAUSES.map((cause, index) => point(`wait_seconds/${cause}`, waits[index] ?? 0)),
  ];
}

/** A point must be a number, so that a share of nothing is 0 instead of NaN. */
function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
