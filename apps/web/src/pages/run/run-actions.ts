import type { RunState } from '@millrace/core';
import type { RunAction } from '@millrace/sdk';

export type RunButton = RunAction | 'delete';

const HOLDS_DEVICES: readonly RunState[] = ['scheduled', 'starting', 'running'];

/** Nothing more is executed unless somebody resumes it. */
export function isOver(state: RunState): boolean {
  return ['succeeded', 'failed', 'cancelled', 'paused'].includes(state);
}

/** What may be asked of a run in this state; the API decides. */
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

/** What an action that cannot be taken back will do to this run; undefined for one that needs no question. */
export function consequence(action: RunButton, run: { state: RunState; step: number }): string | undefined {
  if (action === 'delete') return 'The run, its metrics, logs and checkpoints are deleted for good.';
  if (action !== 'cancel') return undefined;
  return HOLDS_DEVICES.includes(run.state)
    ? `Training stops at step ${run.step} and its devices are released. Checkpoints that are durable stay; what was trained since the last one is lost.`
    : 'The run leaves the queue and cannot be resumed. Checkpoints that are durable stay.';
}
