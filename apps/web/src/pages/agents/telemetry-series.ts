import type { TelemetrySeriesBody, TelemetrySeriesName } from '@millrace/contracts';
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

export type TelemetrySample = { readonly time: string } & Readonly<Partial<Record<TelemetrySeriesName, number | null>>>;

/** The series with what the event stream told since; points before `from` (milliseconds) go. */
export function withSample(
  series: TelemetrySeriesBody['series'],
  sample: TelemetrySample,
  from: number,
): TelemetrySeriesBody['series'] {
  const entries = Object.entries(series) as [TelemetrySeriesName, TelemetryPoint[]][];
  return Object.fromEntries(
    entries.map(([name, points]) => {
      const newest = points.at(-1)?.time ?? '';
      // The answer to a question may hold it already.
      const added = sample.time > newest ? [{ time: sample.time, value: sample[name] ?? null }] : [];
      return [name, [...points.filter(({ time }) => Date.parse(time) >= from), ...added]];
    }),
  ) as TelemetrySeriesBody['series'];
}
