/** Why an attempt ended before its run did; libs/scheduler says which of them are tried again. */
export const FAILURE_CLASSES = [
  'user_error',
  'out_of_memory',
  'node_lost',
  'preempted',
  'timed_out',
  'numerics',
  'internal',
] as const;

export type FailureClass = (typeof FAILURE_CLASSES)[number];
