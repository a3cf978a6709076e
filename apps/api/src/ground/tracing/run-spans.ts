import { isFinal, type RunState } from '@millrace/core';
import { createHash } from 'node:crypto';
import type { agentV1 } from '@millrace/contracts';
import { ATTEMPT_STATES } from '@millrace/scheduler';

/** A span whose ids follow from what it is about: parts of a run that different replicas report fit together. */
export interface RunSpan {
  readonly runId: string;
  /** What distinguishes it from the other spans of the run. */
  readonly key: string;
  /** Key of the span around it; the run's own span has none. */
  readonly parent: string | undefined;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly failed: boolean;
}

/** A change of a run's state, as its event tells it. */
export interface StateChange {
  readonly timeMs: number;
  readonly state: RunState;
  readonly fence: number;
  /** Code of the reason, if there was one. */
  readonly reason: string | undefined;
}

export const ROOT_KEY = 'run';
const attemptKey = (fence: number): string => `attempt ${fence}`;

export function traceIdOf(runId: string): string {
  return hexOf(runId, 32);
}

export function spanIdOf({ runId, key }: Pick<RunSpan, 'runId' | 'key'>): string {
  return hexOf(`${runId} ${key}`, 16);
}

function hexOf(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/**
 * Spans of a run that is over: the run, below it its attempts, and the states that each went through. Empty when the
 * run is not over.
 */
export function runSpans(runId: string, changes: readonly StateChange[]): RunSpan[] {
  const [first] = changes;
  const last = changes.at(-1);
  if (first === undefined || last === undefined || !isFinal(last.state)) return [];
  const root: RunSpan = {
    runId,
    key: ROOT_KEY,
    parent: undefined,
    name: 'run',
    startMs: first.timeMs,
    endMs: last.timeMs,
    attributes: { 'cicd.pipeline.run.id': runId, 'cicd.pipeline.result': resultOf(last.state) },
    failed: last.state === 'failed',
  };
  return [root, ...attemptSpans(runId, changes), ...stateSpans(runId, changes)];
}

/** One span of one rank for each step that it traced; undefined for a batch without spans. */
export function stepSpan({ runId, fence, rank, step, spans }: agentV1.TraceBatch): RunSpan | undefined {
  const times = spans.filter(({ startMs, endMs }) => Number.isFinite(startMs) && Number.isFinite(endMs));
  if (times.length === 0) return undefined;
  return {
    runId,
    key: `step ${fence} ${rank} ${step}`,
    parent: attemptKey(fence),
    name: 'step',
    startMs: Math.min(...times.map(({ startMs }) => startMs)),
    endMs: Math.max(...times.map(({ endMs }) => endMs)),
    attributes: { 'millrace.step': step, 'millrace.rank': rank, 'millrace.fence': fence },
    failed: false,
  };
}

function attemptSpans(runId: string, changes: readonly StateChange[]): RunSpan[] {
  return changes.flatMap((change, index) => {
    if (change.state !== 'scheduled') return [];
    const left = changes.slice(index + 1).find(({ state }) => !ATTEMPT_STATES.includes(state)) ?? change;
    return {
      runId,
      key: attemptKey(change.fence),
      parent: ROOT_KEY,
      name: 'attempt',
      startMs: change.timeMs,
      endMs: left.timeMs,
      attributes: { 'millrace.fence': change.fence, ...reasonOf(left) },
      failed: left.state === 'recovering' || left.state === 'failed',
    };
  });
}

function stateSpans(runId: string, changes: readonly StateChange[]): RunSpan[] {
  return changes.slice(0, -1).map((change, index) => {
    const { state, fence, timeMs } = change;
    return {
      runId,
      key: `state ${index}`,
      parent: ATTEMPT_STATES.includes(state) ? attemptKey(fence) : ROOT_KEY,
      name: `run ${state}`,
      startMs: timeMs,
      endMs: changes[index + 1]?.timeMs ?? timeMs,
      attributes: { 'cicd.pipeline.run.state': state, ...reasonOf(change) },
      failed: false,
    };
  });
}

function reasonOf({ reason }: StateChange): Record<string, string> {
  return reason === undefined ? {} : { 'millrace.reason': reason };
}

/** OpenTelemetry's word for how a run ended. */
function resultOf(state: RunState): string {
  if (state === 'succeeded') return 'success';
  return state === 'cancelled' ? 'cancellation' : 'failure';
}
