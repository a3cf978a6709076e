import type { SeriesBody } from '@millrace/contracts';
import type { ChartPoint } from '../../../charts/merge-series';

export interface LivePoint {
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

/** The point in a `run.metric` event of this run; undefined for any other event. */
export function livePoint(type: string, data: unknown): LivePoint | undefined {
  if (type !== 'run.metric' || typeof data !== 'object' || data === null) return undefined;
  const { name, step, value } = data as Record<string, unknown>;
  const isPoint = typeof name === 'string' && typeof step === 'number' && typeof value === 'number';
  return isPoint ? { name, step, value } : undefined;
}

/**
 * The points of the API's summary, followed by the live ones. A live point replaces an older one of the same step: an
 * attempt that went back to a checkpoint computes steps again.
 */
export function appendLive(body: SeriesBody | undefined, name: string, live: readonly LivePoint[]): ChartPoint[] {
  const stored = body?.series.find((series) => series.name === name)?.points ?? [];
  const points = new Map<number, ChartPoint>();
  for (const { step, value, min, max } of stored) points.set(step, { x: step, y: value, min, max });
  for (const { name: liveName, step, value } of live) {
    if (liveName === name) points.set(step, { x: step, y: value, min: value, max: value });
  }
  return [...points.values()].sort((a, b) => a.x - b.x);
}
