import { isFinal, type RunState } from '@millrace/core';
import type { RunAction } from '@millrace/sdk';

export type RunButton = RunAction | 'delete';

const HOLDS_DEVICES: readonly RunState[] = ['scheduled', 'starting', 'running'];

/** Whether nothing more is executed unless somebody resumes the run. */
export function isOver(state: RunState): boolean {
  return isFinal(state) || state === 'paused';
}

/** The actions that a run in this state may allow; the API decides whether it does. */
export function runActions(state: RunState): RunButton[] {
  switch (state) {
    case 'running':
      return ['checkpoint', 'pause', 'cancel'];
    case 'paused':
      return ['resume', 'cancel'];
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return ['delete'];
    case 'stopping':
      return [];
    case 'pausing':
      return ['cancel'];
    default:
      return ['pause', 'cancel'];
  }
}

/**
 * Says what an action that cannot be undone will do to this run; undefined for an action that needs no confirmation.
 */
export function consequence(action: RunButton, run: { state: RunState; step: number }): string | undefined {
  if (action === 'delete') return 'The run, its metrics, logs and checkpoints are deleted for good.';
  if (action !== 'cancel') return undefined;
  return HOLDS_DEVICES.includes(run.state)
    ? `Training stops at step ${run.step} and its devices are released. Durable checkpoints stay; what was trained since the last one is lost.`
    : 'The run leaves the queue and cannot be resumed. Durable checkpoints stay.';
}
