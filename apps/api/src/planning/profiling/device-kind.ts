import type { AgentDevice } from '../../ledger/agents/agents.repository';

/**
 * Devices of one kind take the same time for the same work: they have the same adapter, driver (both are in the
 * description) and build. A software driver is as fast as the machine that it runs on, so that its host counts too.
 */
export function deviceKind({ adapter, version, host }: AgentDevice): string {
  const { vendor, architecture, device, description, adapterClass } = adapter as Record<string, string | undefined>;
  const machine = adapterClass === 'cpu' ? host : '';
  return [version, vendor, architecture, device, description, machine].join('|');
}
