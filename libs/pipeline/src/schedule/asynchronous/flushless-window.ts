import { RECIPES } from '../kinds/recipes';
import { isScheduleName, type ScheduleOptions } from '../schedule-constraints';

/**
 * The request of a schedule that stands for a run of any length: a schedule that does not flush covers at most so many
 * steps that its proof holds for all longer runs, others are as they were. Let S(n) be the schedule of n steps, w the
 * warm-up of rank 0 and u the micro-batches of a step. If n >= 1 + ceil(w / u), S(n+1) has the property too:
 *
 * - up to the first update of every rank S(n+1) is S(n): its forwards reach no further than micro-batch u + w - 1;
 * - after it exactly the next w(r) micro-batches are in flight on rank r, their tensors sent, no gradient under way,
 *   and what is left is S(n) behind its warm-up, every micro-batch u later. That state is one of S(n), which has no
 *   deadlock, and a network of blocking reads ends the same way in any order (Kahn 1974).
 *
 * By induction no longer run deadlocks or has more in flight, and each micro-batch goes F, I, W. One step more than
 * the bound shows warm-up, a whole period and the drain.
 */
export function flushlessWindow(options: ScheduleOptions): ScheduleOptions {
  const { name, ranks, microBatches, steps = 1 } = options;
  if (!isScheduleName(name) || RECIPES[name].mode === 'flush') return options;
  const updateSize = RECIPES[name].mode === 'stash' ? 1 : microBatches;
  return { ...options, steps: Math.min(steps, 2 + Math.ceil((ranks - 1) / updateSize)) };
}
