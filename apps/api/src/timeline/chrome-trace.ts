import type { agentV1 } from '@millrace/contracts';
import type { TimedAction } from '@millrace/pipeline';
import { formatAction } from '@millrace/pipeline';

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

const EXECUTED_PID = 1;
const PLANNED_PID = 2;
const MICROSECONDS_PER_MS = 1_000;

/** Executed spans, one row per rank; times since the first of them. */
export function executedEvents(batches: readonly agentV1.TraceBatch[]): TraceEvent[] {
  if (batches.length === 0) return [];
  const originMs = startOf(batches);
  const ranks = [...new Set(batches.map(({ rank }) => rank))];
  return [
    ...rowNames(EXECUTED_PID, 'executed', ranks),
    ...batches.flatMap(({ spans, step, rank, fence }) =>
      spans.map(({ action, startMs, endMs }) => ({
        name: action,
        cat: action.startsWith('wait:') ? 'wait' : 'action',
        ph: 'X' as const,
        pid: EXECUTED_PID,
        tid: rank,
        ts: (startMs - originMs) * MICROSECONDS_PER_MS,
        dur: Math.max(0, endMs - startMs) * MICROSECONDS_PER_MS,
        args: { step, fence },
      })),
    ),
  ];
}

/** What the simulation expected of a step, drawn under each executed step from where that one began. */
export function plannedEvents(
  batches: readonly agentV1.TraceBatch[],
  planned: readonly (readonly TimedAction[])[],
): TraceEvent[] {
  const originMs = startOf(batches);
  const steps = [...new Set(batches.map(({ step }) => step))];
  const events = steps.flatMap((step) => {
    const beginMs = startOf(batches.filter((batch) => batch.step === step)) - originMs;
    return planned.flatMap((actions, rank) =>
      actions.map(({ action, start, end }) => ({
        name: formatAction(action),
        cat: 'planned',
        ph: 'X' as const,
        pid: PLANNED_PID,
        tid: rank,
        ts: (beginMs + start) * MICROSECONDS_PER_MS,
        dur: (end - start) * MICROSECONDS_PER_MS,
        args: { step },
      })),
    );
  });
  return [
    ...rowNames(
      PLANNED_PID,
      'planned',
      planned.map((_, rank) => rank),
    ),
    ...events,
  ];
}

function rowNames(pid: number, name: string, ranks: readonly number[]): TraceEvent[] {
  const named = (tid: number, kind: string, text: string): TraceEvent => ({
    name: kind,
    cat: '__metadata',
    ph: 'M',
    pid,
    tid,
    ts: 0,
    args: { name: text },
  });
  return [named(0, 'process_name', name), ...ranks.map((rank) => named(rank, 'thread_name', `rank ${rank}`))];
}

function startOf(batches: readonly agentV1.TraceBatch[]): number {
  const starts = batches.flatMap(({ spans }) => spans.map(({ startMs }) => startMs));
  return starts.reduce((least, start) => Math.min(least, start), starts[0] ?? 0);
}
