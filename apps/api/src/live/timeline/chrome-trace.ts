import type { SpanKind } from '@millrace/contracts';
import type { NamedSpan, TimelineStep } from './timeline-steps';

/**
 * The Trace Event Format of Chromium (a "complete" event is `X`, metadata is `M`), which chrome://tracing and Perfetto
 * read.
 */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The rows of a rank from top to bottom; if spans of a row overlap, it becomes several rows. */
const ROWS = ['compute', 'waits', 'sends', 'receives', 'planned'] as const;
type Row = (typeof ROWS)[number];
/** Thread ids per row. Viewers show threads in the order of their ids. */
const LANES_MAX = 1000;
/** Less than the nanosecond to which times are rounded. */
const ROUNDING_ERROR_US = 5e-4;

const ROW_OF_KIND: Readonly<Record<SpanKind, Row>> = {
  F: 'compute',
  I: 'compute',
  W: 'compute',
  evaluation: 'compute',
  optimizer: 'compute',
  send: 'sends',
  receive: 'receives',
  'wait-input': 'waits',
  'wait-gradient': 'waits',
  'wait-tied': 'waits',
  'wait-commit': 'waits',
  'wait-send': 'waits',
  'wait-evaluation': 'waits',
};

interface StepSpan {
  readonly span: NamedSpan;
  readonly step: number;
}

/** Makes a process for each rank, named after its agent, with a thread for each row. `agents` is indexed by rank. */
export function traceEvents(steps: readonly TimelineStep[], agents: readonly string[]): TraceEvent[] {
  const rows = new Map<string, StepSpan[]>();
  const add = (row: Row, step: number, span: NamedSpan): void => {
    const key = `${span.rank} ${row}`;
    const spans = rows.get(key) ?? [];
    spans.push({ span, step });
    rows.set(key, spans);
  };
  for (const { step, spans, planned } of steps) {
    for (const span of spans) add(ROW_OF_KIND[span.kind], step, span);
    for (const span of planned) add('planned', step, span);
  }
  const ranks = steps.flatMap(({ spans, planned }) => [...spans, ...planned].map(({ rank }) => rank));
  return [...new Set(ranks)]
    .sort((a, b) => a - b)
    .flatMap((rank) => [
      processName(rank, agents[rank]),
      ...ROWS.flatMap((row) => rowEvents(rank, row, rows.get(`${rank} ${row}`) ?? [])),
    ]);
}

function rowEvents(rank: number, row: Row, spans: readonly StepSpan[]): TraceEvent[] {
  const firstTid = ROWS.indexOf(row) * LANES_MAX;
  const { events, laneCount } = inLanes(spans, (lane, { span, step }) => ({
    name: span.action,
    cat: row === 'planned' ? 'planned' : span.kind,
    ph: 'X',
    pid: pidOf(rank),
    tid: firstTid + lane,
    ts: span.startUs,
    dur: span.durationUs,
    args: { step, cause: span.kind, chunk: span.chunk, microBatch: span.microBatch },
  }));
  const lanes = Array.from({ length: laneCount }, (_, lane) =>
    metadata(rank, firstTid + lane, { kind: 'thread_name', args: { name: lane === 0 ? row : `${row} ${lane + 1}` } }),
  );
  return [...lanes, ...events];
}

/** Puts each span into the first lane that is free, because viewers nest or drop spans that overlap on one thread. */
function inLanes(
  spans: readonly StepSpan[],
  place: (lane: number, span: StepSpan) => TraceEvent,
): { events: TraceEvent[]; laneCount: number } {
  const freeAtUs: number[] = [];
  const events = spans
    .toSorted((a, b) => a.span.startUs - b.span.startUs)
    .map((each) => {
      const { startUs, durationUs } = each.span;
      const free = freeAtUs.findIndex((atUs) => atUs <= startUs + ROUNDING_ERROR_US);
      const lane = Math.min(free < 0 ? freeAtUs.length : free, LANES_MAX - 1);
      freeAtUs[lane] = startUs + durationUs;
      return place(lane, each);
    });
  return { events, laneCount: freeAtUs.length };
}

function processName(rank: number, agent: string | undefined): TraceEvent {
  const name = agent === undefined ? `rank ${rank}` : `rank ${rank}: ${agent}`;
  return metadata(rank, 0, { kind: 'process_name', args: { name } });
}

function metadata(
  rank: number,
  tid: number,
  { kind, args }: { kind: string; args: Readonly<Record<string, unknown>> },
): TraceEvent {
  return { name: kind, cat: '__metadata', ph: 'M', pid: pidOf(rank), tid, ts: 0, args };
}

/** In some viewers process 0 is the idle process. */
function pidOf(rank: number): number {
  return rank + 1;
}
