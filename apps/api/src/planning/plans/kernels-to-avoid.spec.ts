import { describe, expect, it } from 'vitest';
import type { AgentDevice } from '../../ledger/agents/agents.repository';
import { kernelsToAvoid } from './kernels-to-avoid';

const agent = (description: string, quarantined?: string[]): AgentDevice => ({
  host: 'host',
  version: '1',
  adapter: { description, ...(quarantined && { quarantined }) },
});

describe('the kernels that a gang runs by their naive variant', () => {
  it('are those that any of its devices gets wrong', () => {
    const gang = [agent('a', ['softmax_forward']), agent('b', ['matmul_nt', 'softmax_forward']), agent('c')];
    expect(kernelsToAvoid({ gang, known: gang })).toEqual(['matmul_nt', 'softmax_forward']);
  });

  it('are also those that another device of the same kind got wrong, and no others', () => {
    const known = [agent('a', ['matmul_nt']), agent('other', ['matmul_nn'])];
    expect(kernelsToAvoid({ gang: [agent('a')], known })).toEqual(['matmul_nt']);
  });

  it('stay those of the attempt before, whatever the devices are now', () => {
    expect(kernelsToAvoid({ gang: [agent('b')], known: [], before: ['matmul_nt'] })).toEqual(['matmul_nt']);
  });
});
