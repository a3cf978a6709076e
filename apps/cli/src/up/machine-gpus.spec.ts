import { expect, it } from 'vitest';
import { agentCount } from '../commands/up';
import { agentsFor } from './machine-gpus';

it('starts an agent for each GPU, and one on the software driver where there is none', () => {
  const gpus = ['0000:3b:00.0', '0000:af:00.0'].map((pciAddress) => ({ name: 'NVIDIA RTX A6000', pciAddress }));
  expect(agentsFor(gpus)).toEqual({
    count: 2,
    why: 'NVIDIA RTX A6000 at 0000:3b:00.0, NVIDIA RTX A6000 at 0000:af:00.0',
  });
  expect(agentsFor([])).toMatchObject({ count: 1, why: expect.stringContaining('software driver') });
});

it('takes a number of agents, or auto', () => {
  expect([agentCount('auto'), agentCount('0'), agentCount('3')]).toEqual(['auto', 0, 3]);
  expect(() => agentCount('all')).toThrow(/whole number/);
});
