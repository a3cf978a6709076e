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
