import { type Action, checkExecutedLog, flushlessWarmUp } from '@millrace/pipeline';
import type { StagePlan } from '../stage-plan';

/**
 * Holds what a rank executes against the window that was proved, update by update: the window's first part, then its
 * second one again and again, each time one update later, and its last ones when no forward is left.
 *
 *   window   first  again  drain …        run   first  again  again  again  …  drain …
 */
export class FlushlessLog {
  private readonly parts: readonly (readonly Action[])[];
  /** Updates after the last forward. */
  private readonly drainCount: number;
  private executed: Action[] = [];

  constructor(private readonly plan: StagePlan) {
    this.parts = partsOf(plan.actions);
    this.drainCount = Math.ceil(flushlessWarmUp(plan) / plan.updates.microBatches);
  }

  add(action: Action): void {
    this.executed.push(action);
  }

  /** With its STEP, as the last of its update. `lastStep` is known when it is drained. Throws PIPELINE.LOG_DIFFERS. */
  endStep(step: number, lastStep: number | undefined): void {
    const executed = this.executed;
    this.executed = [];
    const expected = this.expected(step, lastStep ?? Infinity);
    if (expected !== undefined) checkExecutedLog(expected, executed);
  }

  /** Undefined for a run that ends before its warm-up does: no window is as short. */
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
