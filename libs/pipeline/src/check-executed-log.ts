import { logDiffers } from './pipeline.errors';
import type { Action } from './schedule/action';
import { formatAction } from './schedule/action-text';

/**
 * Compares the actions that a rank executed in a step with its row of the plan: they must be equal, one by one. Throws
 * PIPELINE.LOG_DIFFERS with the first difference; the step must then not be committed.
 */
export function checkExecutedLog(plan: readonly Action[], executed: readonly Action[]): void {
  const length = Math.max(plan.length, executed.length);
  for (let position = 0; position < length; position++) {
    const planned = textAt(plan, position);
    const done = textAt(executed, position);
    if (planned === done) continue;
    const counts = `${executed.length} executed, ${plan.length} planned`;
    const message =
      `action ${position} was ${done} and the plan says ${planned} ` +
      `(after ${textAt(executed, position - 1)}; ${counts}): the step is void`;
    throw logDiffers(message, { position, planned, done });
  }
}

function textAt(actions: readonly Action[], position: number): string {
  const action = actions[position];
  return action === undefined ? 'nothing' : formatAction(action);
}
