import type { ChartSeries } from '../../charts/merge-series';

export interface TelemetryPoint {
  readonly time: string;
  /** Null where the device does not tell. */
  readonly value: number | null;
}

/** Whether the device tells this at all. */
export function isKnown(points: readonly TelemetryPoint[]): boolean {
  return points.some(({ value }) => value !== null);
}

/** Seconds on the x axis; unknown values stay gaps and are never 0. */
export function telemetryChart(label: string, points: readonly TelemetryPoint[]): ChartSeries {
  return { label, points: points.map(({ time, value }) => ({ x: Date.parse(time) / 1000, y: value })) };
}
