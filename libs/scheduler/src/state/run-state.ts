import { RUN_STATES, type RunState } from '@millrace/core';

/**
 *   queued ──> scheduled ──> starting ──> running ──> succeeded
 *     ^           │ ^            │           │
 *     │           │ └ recovering ┴───────────┤    an attempt was lost; placed again under the next fence
 *     │           │                          ├──> pausing ──> paused ──> queued (resume)
 *     │           │                          └──> stopping ──> cancelled | failed
 *     └───────────┘ the gang fell through before anything started
 *
 * Every state that is not final may become `failed`. A pause that finds no attempt (queued, recovering) needs no
 * `pausing`, and a cancel there no `stopping`.
 *
 * The one transition table: from each state, the states that may follow.
 */
export const RUN_TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ['scheduled', 'paused', 'cancelled', 'failed'],
  scheduled: ['queued', 'starting', 'recovering', 'pausing', 'stopping', 'failed'],
  starting: ['running', 'recovering', 'pausing', 'stopping', 'failed'],
  running: ['recovering', 'pausing', 'stopping', 'succeeded', 'failed'],
  // The last step may end, and its checkpoint become durable, before the pause takes effect.
  pausing: ['paused', 'stopping', 'succeeded', 'failed'],
  paused: ['queued', 'cancelled', 'failed'],
  // The last step's checkpoint may become durable after the attempt that wrote it was lost: nothing is left to train
  // then.
  recovering: ['scheduled', 'paused', 'cancelled', 'stopping', 'succeeded', 'failed'],
  stopping: ['cancelled', 'failed'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

export function canTransition(from: RunState, to: RunState): boolean {
  return RUN_TRANSITIONS[from].includes(to);
}

/** The states from which `target` may be reached, for the guard `state IN (…)` of an update. */
export function allowedSources(target: RunState): RunState[] {
  return RUN_STATES.filter((state) => canTransition(state, target));
}

/** The states in which the planner looks for devices for a run. */
export const PLACEABLE_STATES: readonly RunState[] = ['queued', 'recovering'];

/** The states in which an attempt holds, or may still hold, devices. */
export const ATTEMPT_STATES: readonly RunState[] = ['scheduled', 'starting', 'running', 'pausing', 'stopping'];
