import type { TelemetrySeriesBody, TelemetrySeriesName } from '@millrace/contracts';
import type { ChartSeries } from '../../charts/merge-series';

export interface TelemetryPoint {
  readonly time: string;
  /** Null if the device did not report the value. */
  readonly value: number | null;
}

/** Whether the device reports this value at all. */
export function isKnown(points: readonly TelemetryPoint[]): boolean {
  return points.some(({ value }) => value !== null);
}

/** A series for a chart: x is in seconds, and unknown values are gaps, never 0. */
export function telemetryChart(label: string, points: readonly TelemetryPoint[]): ChartSeries {
  return { label, points: points.map(({ time, value }) => ({ x: Date.parse(time) / 1000, y: value })) };
}

export type TelemetrySample = { readonly time: string } & Readonly<Partial<Record<TelemetrySeriesName, number | null>>>;

/** The series with a sample that came by the event stream; points before `from` (milliseconds) are dropped. */
export function withSample(
  series: TelemetrySeriesBody['series'],
  sample: TelemetrySample,
  from: number,
): TelemetrySeriesBody['series'] {
  const entries = Object.entries(series) as [TelemetrySeriesName, TelemetryPoint[]][];
  return Object.fromEntries(
    entries.map(([name, points]) => {
      const newest = points.at(-1)?.time ?? '';
      // The answer of the API may contain the sample already.
      const added = sample.time > newest ? [{ time: sample.time, value: sample[name] ?? null }] : [];
      return [name, [...points.filter(({ time }) => Date.parse(time) >= from), ...added]];
    }),
  ) as TelemetrySeriesBody['series'];
}
