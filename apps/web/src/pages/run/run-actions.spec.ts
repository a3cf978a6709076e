import { RUN_STATES } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { consequence, runActions } from './run-actions';

describe('the buttons of a run', () => {
  it('offer a checkpoint only while it trains, resuming only a pause, deleting only what is over', () => {
    const having = (action: string): string[] =>
      RUN_STATES.filter((state) => runActions(state).includes(action as never));
    expect(having('checkpoint')).toEqual(['running']);
    expect(having('resume')).toEqual(['paused']);
    expect(having('delete')).toEqual(['succeeded', 'failed', 'cancelled']);
    expect(runActions('stopping')).toEqual([]);
  });

  it('say what is lost before it is', () => {
    expect(consequence('cancel', { state: 'running', step: 41 })).toContain('step 41');
    expect(consequence('cancel', { state: 'queued', step: 0 })).toContain('queue');
    expect(consequence('delete', { state: 'failed', step: 3 })).toContain('for good');
    expect(consequence('pause', { state: 'running', step: 1 })).toBeUndefined();
  });
});
