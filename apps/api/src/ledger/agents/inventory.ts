import type { InventoryAgent } from '@millrace/scheduler';
import type { AgentWithLease } from './agents.repository';
import { speedOf } from './device-speed';

/** An agent's row as the planner sees it. */
export function inventoryAgent(agent: AgentWithLease): InventoryAgent {
  return {
    id: agent.id,
    host: agent.host,
    device: agent.device,
    memoryBytes: memoryOf(agent) ?? null,
    matmulGflops: speedOf(agent)?.gflops ?? 0,
    connected: agent.isHere,
    draining: agent.draining,
    setAside: agent.setAside && `until ${agent.setAside.until.toISOString()}: ${agent.setAside.reason}`,
    labels: agent.labels as Readonly<Record<string, string>>,
    features: featuresOf(agent),
    leasedBy: agent.lease?.runId ?? null,
    leaseExpiresAt: agent.lease?.expiresAt.getTime() ?? null,
  };
}

/** The features of the agent's adapter; an agent that tells none has none. */
export function featuresOf({ adapter }: Pick<AgentWithLease, 'adapter'>): readonly string[] {
  return (adapter as { features?: readonly string[] }).features ?? [];
}

/** Undefined when the driver does not tell. */
export function memoryOf({ adapter }: Pick<AgentWithLease, 'adapter'>): number | undefined {
  const { memoryBytes = 0 } = adapter as { memoryBytes?: number };
  return memoryBytes > 0 ? memoryBytes : undefined;
}
