import { type Action, checkExecutedLog, flushlessWarmUp } from '@millrace/pipeline';
import type { StagePlan } from '../stage-plan';

/**
 * Compares what a rank executed with the window of the schedule that was proved, update by update: with the window's
 * first part, then again and again with its second part, each time shifted by one update, and with its last parts when
 * no forward is left.
 *
 *   window   first  again  drain …        run   first  again  again  again  …  drain …
 */
export class FlushlessLog {
  private readonly parts: readonly (readonly Action[])[];
  /** Number of updates after the last forward. */
  private readonly drainCount: number;
  private executed: Action[] = [];

  constructor(private readonly plan: StagePlan) {
    this.parts = partsOf(plan.actions);
    this.drainCount = Math.ceil(flushlessWarmUp(plan) / plan.updates.microBatches);
  }

  add(action: Action): void {
    this.executed.push(action);
  }

  /**
   * Compares one update, whose STEP was added last. `lastStep` is known once the pipeline drains. Throws
   * PIPELINE.LOG_DIFFERS.
   */
  endStep(step: number, lastStep: number | undefined): void {
    const executed = this.executed;
    this.executed = [];
    const expected = this.expected(step, lastStep ?? Infinity);
    if (expected !== undefined) checkExecutedLog(expected, executed);
  }

  /** Undefined for a run that ends before its warm-up does: the window has no part that is so short. */
  private expected(step: number, lastStep: number): Action[] | undefined {
    const { parts, drainCount, plan } = this;
    const index = step - plan.firstStep;
    const left = lastStep - step + 1;
    if (parts.length < drainCount + 2 || lastStep - plan.firstStep < drainCount) return undefined;
    const at = left <= drainCount ? parts.length - left : Math.min(index, 1);
    const later = (step - 1 - at) * plan.updates.microBatches;
    return parts[at]!.map((action) => ({ ...action, microBatch: action.microBatch + later }));
  }
}

function partsOf(row: readonly Action[]): Action[][] {
  const parts: Action[][] = [[]];
  for (const action of row) {
    parts.at(-1)?.push(action);
    if (action.kind === 'STEP') parts.push([]);
  }
  return parts.slice(0, -1);
}
