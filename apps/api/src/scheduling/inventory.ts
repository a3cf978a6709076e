import type { InventoryAgent, QueuedRun } from '@millrace/scheduler';
import type { AgentWithLease } from '../agents/agents.repository';
import { speedOf } from '../planning/device-speed';
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
  return {
    id: agent.id,
    host: agent.host,
    device: agent.device,
    memoryBytes: memoryOf(agent) ?? null,
    matmulGflops: speedOf(agent)?.gflops ?? 0,
    connected: agent.connected && nowMs - agent.lastSeenAt.getTime() < silentMs,
    draining: agent.draining,
    labels: agent.labels as Readonly<Record<string, string>>,
    leasedBy: agent.lease?.runId ?? null,
    leaseExpiresAt: agent.lease?.expiresAt.getTime() ?? null,
  };
}

/** Undefined when the driver does not say. */
export function memoryOf({ adapter }: Pick<AgentWithLease, 'adapter'>): number | undefined {
  const { memoryBytes = 0 } = adapter as { memoryBytes?: number };
  return memoryBytes > 0 ? memoryBytes : undefined;
}

/** `arrange` gives the ids of the best devices by rank where the planner splits the layers; see QueuedRun. */
export function queuedRun(
  run: Pick<RunRecord, 'id' | 'priority' | 'createdAt' | 'spec'>,
  { stages, schedule }: RunShape,
  arrange: NonNullable<QueuedRun['arrange']>,
): QueuedRun {
  const { include, exclude, labels, minMemoryGiB } = run.spec.resources;
  return {
    id: run.id,
    priority: run.priority,
    submittedAt: run.createdAt.getTime(),
    ranks: run.spec.parallel.pp,
    include,
    exclude,
    labels,
    minMemoryBytes: minMemoryGiB * GIB,
    ...(run.spec.parallel.partition === 'auto'
      ? { arrange }
      : {
          requiredBytesPerStage: schedule.stagesOfRank.map((own) =>
            own.reduce((bytes, stage) => bytes + (stages[stage]?.memoryBytes ?? 0), 0),
          ),
        }),
  };
}
