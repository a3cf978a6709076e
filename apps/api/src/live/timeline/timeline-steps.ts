import { type agentV1, SPAN_CAUSES, SPAN_KINDS, type SpanKind, type TimelineSpan } from '@millrace/contracts';
import { formatAction, type Placement, type TimedAction } from '@millrace/pipeline';

/** A span with the name of what was done, such as "1F3" or "wait:1RECV_F3". */
export interface NamedSpan extends TimelineSpan {
  readonly action: string;
}

/** Times are in microseconds since the first span of all steps. */
export interface TimelineStep {
  readonly step: number;
  /** When the first F of any rank began. */
  readonly startUs: number;
  readonly spans: readonly NamedSpan[];
  readonly planned: readonly NamedSpan[];
}

export interface TimelinePlan {
  readonly placement: Placement;
  /** The predicted actions of one step, in milliseconds from its beginning; empty when they are not known. */
  readonly actions: readonly (readonly TimedAction[])[];
}

const MICROSECONDS_PER_MS = 1000;
/** Viewers keep times to the nanosecond. */
const ROUNDING = 1000;
const ACTION = /^(?:[a-z]+:)?(\d{1,6})([A-Z_]+)(\d{0,6})$/;

/**
 * The steps that can be shown, ascending. Ranks report a step one after the other: the newest steps are left out while
 * a rank is missing that has reported an earlier step.
 */
export function toldSteps(batches: readonly Pick<agentV1.TraceBatch, 'step' | 'rank'>[]): number[] {
  const ranksOf = new Map<number, Set<number>>();
  for (const { step, rank } of batches) ranksOf.set(step, (ranksOf.get(step) ?? new Set()).add(rank));
  const rankCount = Math.max(0, ...[...ranksOf.values()].map(({ size }) => size));
  const steps = [...ranksOf.keys()].sort((a, b) => a - b);
  const lastWhole = steps.findLastIndex((step) => ranksOf.get(step)!.size === rankCount);
  return steps.slice(0, lastWhole + 1);
}

/**
 * What was executed in each step, by rank, and below it what the simulation expected, from the time at which the step
 * began.
 */
export function timelineSteps(batches: readonly agentV1.TraceBatch[], plan: TimelinePlan): TimelineStep[] {
  const originMs = least(batches.flatMap(({ spans }) => spans.map(({ startMs }) => startMs)));
  const steps = [...new Set(batches.map(({ step }) => step))];
  return steps.map((step) => {
    const own = batches.filter((batch) => batch.step === step);
    const spans = own.flatMap((batch) => executedSpans(batch, plan.placement, originMs));
    const computed = spans.filter(({ kind }) => kind === 'F');
    const startUs = least((computed.length > 0 ? computed : spans).map((span) => span.startUs));
    return { step, startUs, spans, planned: plannedSpans(plan, startUs) };
  });
}

function executedSpans(
  { rank, spans }: agentV1.TraceBatch,
  { stagesOfRank }: Placement,
  originMs: number,
): NamedSpan[] {
  return spans.flatMap(({ action, cause, startMs, endMs }) => {
    const [, stage, letters, microBatch = ''] = ACTION.exec(action) ?? [];
    const kind = kindOf(cause, letters);
    // An agent of a newer version may report causes that this API does not know.
    if (kind === undefined) return [];
    const chunk = stage === undefined ? -1 : (stagesOfRank[rank]?.indexOf(Number(stage)) ?? -1);
    return {
      rank,
      chunk: chunk < 0 ? null : chunk,
      kind,
      microBatch: microBatch === '' ? null : Number(microBatch),
      ...times((startMs - originMs) * MICROSECONDS_PER_MS, (endMs - originMs) * MICROSECONDS_PER_MS),
      action,
    };
  });
}

function plannedSpans({ placement, actions }: TimelinePlan, beginUs: number): NamedSpan[] {
  return actions.flatMap((ofRank, rank) =>
    ofRank.flatMap(({ action, start, end }) => {
      const kind = kindOf('compute', action.kind);
      if (kind === undefined) return [];
      return {
        rank,
        chunk: placement.stagesOfRank[rank]?.indexOf(action.stage) ?? null,
        kind,
        microBatch: action.microBatch,
        ...times(beginUs + start * MICROSECONDS_PER_MS, beginUs + end * MICROSECONDS_PER_MS),
        action: formatAction(action),
      };
    }),
  );
}

function kindOf(cause: string, letters: string | undefined): SpanKind | undefined {
  if (SPAN_CAUSES.every((known) => known !== cause)) return undefined;
  return SPAN_KINDS.find((kind) => kind === (cause === 'compute' ? letters : cause));
}

/** Both ends are rounded, so that spans which touch still touch. */
function times(startUs: number, endUs: number): { startUs: number; durationUs: number } {
  const start = Math.round(startUs * ROUNDING);
  const end = Math.max(start, Math.round(endUs * ROUNDING));
  return { startUs: start / ROUNDING, durationUs: (end - start) / ROUNDING };
}

/** The smallest value; 0 if there is none. Spreading the values as arguments would overflow the stack. */
function least(values: readonly number[]): number {
  return values.reduce((lowest, value) => Math.min(lowest, value), values[0] ?? 0);
}
