import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../app/theme';
import { formatValue } from '../format/format-number';
import { formatClock } from '../format/format-time';
import { chartData, chartOptions } from './chart-options';
import { type ChartSeries, type MergedSeries, mergeSeries } from './merge-series';

interface LineChartProps {
  /** Says in words what is drawn. */
  readonly label: string;
  readonly series: readonly ChartSeries[];
  readonly xName?: string;
  /** Whether x is a time, in seconds since 1970. */
  readonly xIsTime?: boolean;
  readonly formatY?: (value: number) => string;
  readonly fromZero?: boolean;
  readonly yIsBytes?: boolean;
  readonly heightPx?: number;
}

/** Draws lines over steps or time. Dragging zooms, a double click shows everything again. */
export function LineChart({
  label,
  series,
  xName = 'step',
  formatY = formatValue,
  ...look
}: LineChartProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const merged = useMemo(() => mergeSeries(series), [series]);
  const cursor = useChart(host, merged, {
    labels: series.map((one) => one.label),
    xName,
    formatY,
    xIsTime: look.xIsTime ?? false,
    fromZero: look.fromZero ?? false,
    yIsBytes: look.yIsBytes ?? false,
    heightPx: look.heightPx ?? 220,
  });
  const at = cursor ?? merged.xs.length - 1;
  return (
    <figure className="chart">
      <figcaption className="chart-legend">
        {series.map((one, index) => (
          <span key={one.label}>
            <i className={`chart-key chart-key-${(index % 4) + 1}`} aria-hidden />
            {one.label} <b>{valueText(merged, index, { at, isExact: cursor !== undefined, formatY })}</b>
          </span>
        ))}
        <span className="quiet">{xText(merged, { at, xName, xIsTime: look.xIsTime })}</span>
      </figcaption>
      <div ref={host} role="img" aria-label={label} />
    </figure>
  );
}

interface At {
  readonly at: number;
  readonly isExact: boolean;
  readonly formatY: (value: number) => string;
}

/** The value at the pointer or, without a pointer, the newest one. */
function valueText({ columns }: MergedSeries, index: number, { at, isExact, formatY }: At): string {
  const column = columns[index] ?? [];
  const value = isExact ? column[at] : column.findLast((one) => one !== null);
  return value === null || value === undefined ? '–' : formatY(value);
}

function xText({ xs }: MergedSeries, x: { at: number; xName: string; xIsTime?: boolean | undefined }): string {
  const value = xs[x.at];
  if (value === undefined) return '';
  return x.xIsTime === true ? formatClock(new Date(value * 1000).toISOString()) : `${x.xName} ${value}`;
}

type Look = Omit<Parameters<typeof chartOptions>[0], 'widthPx'>;

/** Keeps a uPlot in `host`; returns the index under the pointer. */
function useChart(host: React.RefObject<HTMLDivElement | null>, merged: MergedSeries, look: Look): number | undefined {
  const [cursor, setCursor] = useState<number>();
  const theme = useTheme();
  const plot = useRef<UPlot>(null);
  const latest = useRef({ merged, look });
  latest.current = { merged, look };
  // These properties cannot be changed in a chart that exists: it is made anew.
  const shape = JSON.stringify([theme, look.labels, merged.ranges.map((range) => range !== undefined), look.heightPx]);
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const now = latest.current;
    const options = chartOptions({ ...now.look, widthPx: element.clientWidth }, now.merged);
    const onCursor = (chart: UPlot): void => setCursor(chart.cursor.idx ?? undefined);
    const chart = new UPlot({ ...options, hooks: { setCursor: [onCursor] } }, chartData(now.merged), element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: now.look.heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [host, shape]);
  useEffect(() => plot.current?.setData(chartData(merged)), [merged, shape]);
  return cursor;
}
