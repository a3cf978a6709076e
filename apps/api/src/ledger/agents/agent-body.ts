import type { AgentBody } from '@millrace/contracts';
import type { AgentWithLease } from './agents.repository';

/** An agent as REST shows it. */
export function agentBody(agent: AgentWithLease): AgentBody {
  const { id, host, device, version, dataAddress, lease, lastSeenAt, setAside } = agent;
  return {
    id,
    host,
    device,
    version,
    dataAddress,
    state: stateOf(agent),
    setAside: setAside && { until: setAside.until.toISOString(), reason: setAside.reason },
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

/** What keeps it from work, the hardest to remove first. */
function stateOf({ isHere, draining, setAside }: AgentWithLease): string {
  if (!isHere) return 'disconnected';
  if (draining) return 'draining';
  return setAside === null ? 'connected' : 'set-aside';
}
