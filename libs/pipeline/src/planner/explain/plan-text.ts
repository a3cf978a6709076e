import type { PlanSetting } from '../plan-request';

/** Examples: `12.3 ms`, `1.20 s`; three significant digits. */
export function secondsText(seconds: number): string {
  if (seconds >= 1) return `${seconds >= 1000 ? Math.round(seconds) : seconds.toPrecision(3)} s`;
  const ms = seconds * 1000;
  if (ms >= 1) return `${ms.toPrecision(3)} ms`;
  return `${(ms * 1000).toPrecision(3)} us`;
}

export function percentText(fraction: number): string {
  return `${(100 * fraction).toFixed(1)}%`;
}

export function settingText({ schedule, chunks, microBatches, recompute }: PlanSetting): string {
  const parts = [schedule, ...(chunks > 1 ? [`${chunks} chunks`] : []), `m = ${microBatches}`];
  return [...parts, ...(recompute === 'none' ? [] : [`recompute ${recompute}`])].join(', ');
}
