import type { InventoryAgent, QueuedRun } from '@millrace/scheduler';
import type { AgentWithLease } from '../agents/agents.repository';
import type { RunRecord } from '../runs/run-record';
import type { RunShape } from './run-shape';

const GIB = 1024 ** 3;

export interface InventoryView {
  readonly nowMs: number;
  /**
   * An agent that was not heard of for this long does not count as connected, whatever its last session left behind.
   */
  readonly silentMs: number;
}

/** An agent's row as the planner sees it. */
export function inventoryAgent(agent: AgentWithLease, { nowMs, silentMs }: InventoryView): InventoryAgent {
  const adapter = agent.adapter as { memoryBytes?: number };
  return {
    id: agent.id,
    host: agent.host,
    device: agent.device,
    memoryBytes: adapter.memoryBytes !== undefined && adapter.memoryBytes > 0 ? adapter.memoryBytes : null,
    matmulGflops: gflopsOf(agent) ?? 0,
    connected: agent.connected && nowMs - agent.lastSeenAt.getTime() < silentMs,
    draining: agent.draining,
    labels: agent.labels as Readonly<Record<string, string>>,
    leasedBy: agent.lease?.runId ?? null,
    leaseExpiresAt: agent.lease?.expiresAt.getTime() ?? null,
  };
}

/** Undefined when the agent did not measure it. */
export function gflopsOf(agent: AgentWithLease): number | undefined {
  const { matmulGflops = 0 } = agent.benchmark as { matmulGflops?: number };
  return matmulGflops > 0 ? matmulGflops : undefined;
}

export function queuedRun(
  run: Pick<RunRecord, 'id' | 'priority' | 'createdAt' | 'spec'>,
  { stages }: RunShape,
): QueuedRun {
  const { include, exclude, labels, minMemoryGiB } = run.spec.resources;
  return {
    id: run.id,
    priority: run.priority,
    submittedAt: run.createdAt.getTime(),
    ranks: stages.length,
    include,
    exclude,
    labels,
    minMemoryBytes: minMemoryGiB * GIB,
    requiredBytesPerStage: stages.map(({ memoryBytes }) => memoryBytes),
  };
}
