import { describe, expect, it } from 'vitest';
import { splitIds } from './split-ids';

describe('ids in a sentence', () => {
  it('become pieces with the path of their page', () => {
    expect(splitIds('run run_1rxahsmyvf76f982 holds it')).toEqual([
      { text: 'run ' },
      { text: 'run_1rxahsmyvf76f982', path: '/runs/run_1rxahsmyvf76f982' },
      { text: ' holds it' },
    ]);
    expect(splitIds('agent_99gd1698gjzb7xpj')).toEqual([
      { text: 'agent_99gd1698gjzb7xpj', path: '/agents/agent_99gd1698gjzb7xpj' },
    ]);
  });

  it('leave a text without them as it is', () => {
    expect(splitIds('waits for the scheduler')).toEqual([{ text: 'waits for the scheduler' }]);
    expect(splitIds('')).toEqual([]);
  });
});
