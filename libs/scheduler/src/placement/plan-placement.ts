import { assert } from '@millrace/core';
import { assignGang } from './assign-gang';
import { DeviceObstacles } from './device-obstacles';
import { compareAgents, type InventoryAgent } from './inventory-agent';
import { isFeasible, type PendingReason, pendingReason } from './pending-reason';
import { compareRuns, mustWait, type QueuedRun } from './queued-run';

export interface PlacementPolicy {
  /** Whether a run may start while one ahead of it waits for devices; true by default. */
  readonly backfill?: boolean;
}

export interface PlacementRequest {
  readonly policy: PlacementPolicy;
  readonly inventory: readonly InventoryAgent[];
  readonly queue: readonly QueuedRun[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface GangPlacement {
  readonly runId: string;
  /** Agent ids, index = rank. */
  readonly agentIds: readonly string[];
}

export interface PendingRun {
  readonly runId: string;
  readonly reason: PendingReason;
  /** Devices that suit the run, and that nobody has or was given in this plan. */
  readonly idle: readonly string[];
}

/** A run that comes next, and the devices that it may have, in order of preference. */
export interface UndecidedRun {
  readonly runId: string;
  readonly agentIds: readonly string[];
}

/**
 * Every run of the queue is in exactly one of the two lists, in queue order. If a run's arrangement is unknown, only
 * the runs before it that start are listed.
 */
export interface PlacementPlan {
  readonly placements: readonly GangPlacement[];
  readonly pending: readonly PendingRun[];
  readonly undecided?: UndecidedRun;
}

/**
 * Decides which runs start now and where. Runs are taken by priority, then age, then id. Each gets the first free
 * devices (by host, device) that suit it: all of its gang or none. Without backfill, the first run that waits for
 * devices holds back all runs behind it, except a run that this inventory could never place, or that must wait before
 * it is tried again. The result depends on the arguments alone, whatever the order of the lists.
 */
export function planPlacement({ policy, inventory, queue, now }: PlacementRequest): PlacementPlan {
  const agents = [...inventory].sort(compareAgents);
  const obstacles = new DeviceObstacles(now);
  const open = (run: QueuedRun, among: readonly InventoryAgent[]): InventoryAgent[] =>
    among.filter((agent) => obstacles.kinds(run, agent).length === 0);
  const taken = new Set<string>();
  const placements: GangPlacement[] = [];
  const pending: Omit<PendingRun, 'idle'>[] = [];
  let blocker: string | undefined;
  for (const run of [...queue].sort(compareRuns)) {
    checkRun(run);
    const free = agents.filter(({ id }) => !taken.has(id));
    const mayGo = blocker === undefined && !mustWait(run, now);
    const offered = open(run, free);
    const gang = mayGo ? assignGang(run, offered) : undefined;
    if (gang === 'unknown')
      return { placements, pending: [], undecided: { runId: run.id, agentIds: offered.map(({ id }) => id) } };
    if (gang === undefined) {
      const ahead = blocker === undefined ? placements.map(({ runId }) => runId) : [blocker];
      pending.push({ runId: run.id, reason: pendingReason(run, { inventory: agents, now, ahead, obstacles }) });
      const holdsBack = policy.backfill === false && !mustWait(run, now);
      if (holdsBack && isFeasible(run, { inventory: agents, obstacles })) blocker ??= run.id;
      continue;
    }
    for (const { id } of gang) taken.add(id);
    placements.push({ runId: run.id, agentIds: gang.map(({ id }) => id) });
  }
  const runs = new Map(queue.map((run) => [run.id, run]));
  const left = agents.filter(({ id }) => !taken.has(id));
  const idleFor = (runId: string): string[] => open(runs.get(runId)!, left).map(({ id }) => id);
  return { placements, pending: pending.map((each) => ({ ...each, idle: idleFor(each.runId) })) };
}

function checkRun(run: QueuedRun): void {
  const stages = run.requiredBytesPerStage?.length ?? run.ranks;
  assert(Number.isInteger(run.ranks) && run.ranks >= 1, `run ${run.id} needs ${run.ranks} ranks`);
  assert(stages === run.ranks, `run ${run.id} has ${run.ranks} ranks and the memory of ${stages} stages`);
}
