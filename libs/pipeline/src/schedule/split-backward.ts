import type { Action } from './action';
import type { Schedule } from './schedule';

/**
 * Writes every B as I and W apart, in place. The order of work and every number it computes stay the same, but the
 * gradient for the previous stage now leaves before W, so idle time falls from (p-1)(F+I+W) to (p-1)(F+I) and the
 * transfer hides behind W. What runs is lowered from this form; the textbook figures come from the form with B.
 */
export function splitBackward(schedule: Schedule): Schedule {
  const split = (action: Action): Action[] =>
    action.kind === 'B'
      ? [
          { ...action, kind: 'I' },
          { ...action, kind: 'W' },
        ]
      : [action];
  return { ...schedule, actions: schedule.actions.map((list) => list.flatMap(split)) };
}
