/** The states of a run; libs/scheduler says which may follow which. */
export const RUN_STATES = [
  'queued',
  'scheduled',
  'starting',
  'running',
  'pausing',
  'paused',
  'recovering',
  'stopping',
  'succeeded',
  'failed',
  'cancelled',
] as const;

export type RunState = (typeof RUN_STATES)[number];

/** A run stays in one of these for good. */
export const FINAL_STATES: readonly RunState[] = ['succeeded', 'failed', 'cancelled'];

export function isFinal(state: RunState): boolean {
  return FINAL_STATES.includes(state);
}
