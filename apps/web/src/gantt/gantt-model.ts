import { type SpanCategory, spanCategory } from './span-kind';

export interface GanttSpan {
  readonly start: number;
  readonly duration: number;
  readonly category: SpanCategory;
  /** The text that is written into the box if it is wide enough. */
  readonly text: string;
  readonly detail: string;
  /** The chunk's index on its rank, which decides the shade of its colour; 0 is the lightest. */
  readonly chunk: number;
}

export interface GanttRow {
  readonly label: string;
  readonly spans: readonly GanttSpan[];
}

export interface GanttGroup {
  readonly title: string;
  readonly rows: readonly GanttRow[];
}

/** A span as the API's timeline has it. */
export interface RawSpan {
  readonly rank: number;
  readonly chunk?: number | null | undefined;
  readonly kind: string;
  readonly microBatch?: number | null | undefined;
  readonly startUs: number;
  readonly durationUs: number;
}

/** One row per rank that has spans; times count from `originUs`. */
export function rowsOf(spans: readonly RawSpan[], originUs: number): GanttRow[] {
  const ranks = [...new Set(spans.map(({ rank }) => rank))].sort((a, b) => a - b);
  return ranks.map((rank) => ({
    label: `rank ${rank}`,
    spans: spans.filter((span) => span.rank === rank).map((span) => ganttSpan(span, originUs)),
  }));
}

function ganttSpan({ kind, chunk, microBatch, startUs, durationUs }: RawSpan, originUs: number): GanttSpan {
  const hasMicroBatch = microBatch !== null && microBatch !== undefined && microBatch >= 0;
  const parts = [kind, hasMicroBatch ? `micro-batch ${microBatch}` : '', chunk ? `chunk ${chunk}` : ''];
  return {
    start: startUs - originUs,
    duration: durationUs,
    category: spanCategory(kind),
    text: hasMicroBatch ? String(microBatch) : '',
    detail: parts.filter(Boolean).join(', '),
    chunk: chunk ?? 0,
  };
}

/** The time at which the last span ends. */
export function endOf(groups: readonly GanttGroup[]): number {
  let end = 0;
  for (const { rows } of groups)
    for (const { spans } of rows) for (const { start, duration } of spans) end = Math.max(end, start + duration);
  return end;
}

/** The time at which the first span starts; 0 if there is none. */
export function startOf(spans: readonly RawSpan[]): number {
  return spans.reduce((least, { startUs }) => Math.min(least, startUs), spans[0]?.startUs ?? 0);
}
