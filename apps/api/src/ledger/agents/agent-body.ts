import type { AgentBody } from '@millrace/contracts';
import type { InventoryView } from './inventory';
import type { AgentWithLease } from './agents.repository';

/** An agent as REST shows it. */
export function agentBody(agent: AgentWithLease, { nowMs, silentMs }: InventoryView): AgentBody {
  const { id, host, device, version, dataAddress, lease, lastSeenAt } = agent;
  const connected = agent.connected && nowMs - lastSeenAt.getTime() < silentMs;
  return {
    id,
    host,
    device,
    version,
    dataAddress,
    state: connected ? (agent.draining ? 'draining' : 'connected') : 'disconnected',
    adapter: agent.adapter as AgentBody['adapter'],
    benchmark: agent.benchmark as AgentBody['benchmark'],
    labels: agent.labels as AgentBody['labels'],
    lease: lease && {
      runId: lease.runId,
      fence: lease.fence,
      rank: lease.rank,
      expiresAt: lease.expiresAt.toISOString(),
    },
    lastSeenAt: lastSeenAt.toISOString(),
    telemetry: agent.telemetry as AgentBody['telemetry'],
  };
}
