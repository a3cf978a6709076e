import type { agentV1 } from '@millrace/contracts';

/** What an agent is told if other agents compute on its device too. */
export function sharedDevice(adapter: agentV1.Adapter | undefined, agents: readonly string[]): string {
  const gpu = adapter?.uuid || adapter?.pciAddress || 'this GPU';
  return (
    `${agents.join(' and ')} computes on ${gpu} too: memory and speed are counted twice. Give each agent a GPU of its ` +
    'own with --device, or stop one'
  );
}
