import type uPlot from 'uplot';
import { formatCount } from '../format/format-number';
import type { MergedSeries } from './merge-series';

export interface ChartLook {
  readonly labels: readonly string[];
  readonly xName: string;
  readonly xIsTime: boolean;
  readonly formatY: (value: number) => string;
  readonly fromZero: boolean;
  /** Whether y is in bytes, so that ticks are at binary sizes. */
  readonly yIsBytes: boolean;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** The colour of this name in the current theme of the style sheet. */
export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const COLOUR_COUNT = 4;

/**
 * The columns in uPlot's order: x, one per series, then the least and largest values of each series that has a range.
 */
export function chartData({ xs, columns, ranges }: MergedSeries): uPlot.AlignedData {
  const bands = ranges.flatMap((range) => (range === undefined ? [] : [range.min, range.max]));
  return [xs, ...columns, ...bands] as unknown as uPlot.AlignedData;
}

export function chartOptions(look: ChartLook, merged: MergedSeries): uPlot.Options {
  const colours = look.labels.map((_, index) => cssColour(`--chart-${(index % COLOUR_COUNT) + 1}`));
  const ranged = merged.ranges.flatMap((range, index) => (range === undefined ? [] : [index]));
  const format = (_: uPlot, value: number | null): string => (value === null ? '–' : look.formatY(value));
  const hidden: uPlot.Series = { show: true, stroke: 'transparent', points: { show: false } };
  const firstRange = 1 + look.labels.length;
  return {
    width: look.widthPx,
    height: look.heightPx,
    legend: { show: false },
    padding: [6, 18, 0, 0],
    cursor: { points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: look.xIsTime }, ...(look.fromZero ? { y: { range: fromZeroRange } } : {}) },
    series: [
      { label: look.xName },
      ...look.labels.map((label, index) => lineOf(label, colours[index] ?? '', format)),
      ...ranged.flatMap(() => [hidden, hidden]),
    ],
    bands: ranged.map((index, position) => ({
      series: [firstRange + 2 * position + 1, firstRange + 2 * position],
      fill: `${colours[index] ?? ''}33`,
    })),
    axes: axesOf(look),
  };
}

function fromZeroRange(_: uPlot, __: number, most: number): [number, number] {
  return [0, Number.isFinite(most) && most > 0 ? most * 1.08 : 1];
}

function lineOf(label: string, stroke: string, value: uPlot.Series.Value): uPlot.Series {
  // Where there are few points, such as validation losses, each is drawn as a dot too; many dots would hide the line.
  return { label, stroke, width: 1.8, value, spanGaps: true, points: { size: 5 } };
}

const X_AXIS_PX = 24;
const CHARACTER_PX = 6.5;
/** Steps are whole numbers: there is no tick between two of them. */
const STEP_INCREMENTS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
const SECOND_INCREMENTS = [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400];
const SECONDS_PER_MINUTE = 60;
const BYTE_INCREMENTS = Array.from({ length: 44 }, (_, power) => 2 ** power);

function axesOf({ formatY, xIsTime, yIsBytes }: ChartLook): uPlot.Axis[] {
  const axis = {
    stroke: cssColour('--text-quiet'),
    grid: { stroke: cssColour('--chart-grid'), width: 1 },
    ticks: { show: false },
    gap: 6,
    font: `11px ${cssColour('--font')}`,
  };
  const x = xIsTime
    ? { incrs: SECOND_INCREMENTS, values: clockTexts }
    : { incrs: STEP_INCREMENTS, values: (_: uPlot, steps: number[]) => steps.map((step) => formatCount(step)) };
  const y = yIsBytes ? { incrs: BYTE_INCREMENTS } : {};
  return [
    { ...axis, ...x, size: X_AXIS_PX },
    { ...axis, ...y, size: widthOfTexts, values: (_, values) => values.map((value) => formatY(value)) },
  ];
}

/** Texts such as 14:05, with seconds only if ticks are less than a minute apart. */
function clockTexts(_: uPlot, times: number[]): string[] {
  const isFine = times.some((time) => time % SECONDS_PER_MINUTE !== 0);
  const seconds = isFine ? ({ second: '2-digit' } as const) : {};
  const format = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...seconds });
  return times.map((time) => format.format(time * 1000));
}

/** The axis is as wide as its longest text, so that short texts leave more room for the chart. */
function widthOfTexts(_: uPlot, texts: string[] | null): number {
  const longest = Math.max(2, ...(texts ?? []).map((text) => text.length));
  return Math.ceil(longest * CHARACTER_PX) + 10;
}
