import type { Action } from './action';
import type { Schedule } from './schedule';

/**
 * Writes every B as I and W, in place, and every overlapped [F+B] as F, I, W. The order of work and every number that
 * it computes stay the same, but the gradient for the previous stage now leaves before W: idle time of 1f1b falls from
 * (p-1)(F+I+W) to (p-1)(F+I), and the transfer hides behind W. What runs is lowered from this form; the textbook
 * figures come from the form with B. If the schedule defers W, it stays deferred.
 */
export function splitBackward(schedule: Schedule): Schedule {
  const split = ({ kind, stage, microBatch }: Action): Action[] =>
    kind === 'B'
      ? [
          { kind: 'I', stage, microBatch },
          { kind: 'W', stage, microBatch },
        ]
      : [{ kind, stage, microBatch }];
  return { ...schedule, actions: schedule.actions.map((list) => list.flatMap(split)) };
}
