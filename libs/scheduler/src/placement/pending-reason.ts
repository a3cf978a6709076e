import { assignGang } from './assign-gang';
import { type DeviceObstacles, gibibytes } from './device-obstacles';
import type { InventoryAgent } from './inventory-agent';
import { type NearestPlacement, nearestPlacement } from './nearest-placement';
import { mustWait, type QueuedRun } from './queued-run';

/**
 * RETRY_WAITS                 its last attempts failed at once, so that it waits before the next
 * NO_AGENTS                   nothing is connected
 * NOT_ENOUGH_DEVICES          fewer devices are connected, not draining and not set aside than the run has ranks
 * CONSTRAINTS_UNSATISFIABLE   enough devices, but too few pass include, exclude, labels and memory
 * WAITING_FOR_DEVICES         it fits once other runs give devices back
 * BEHIND_OTHER_RUN            it would fit now, and a run ahead of it takes the devices or goes first
 */
export type PendingCode =
  | 'RETRY_WAITS'
  | 'NO_AGENTS'
  | 'NOT_ENOUGH_DEVICES'
  | 'CONSTRAINTS_UNSATISFIABLE'
  | 'WAITING_FOR_DEVICES'
  | 'BEHIND_OTHER_RUN';

export interface PendingReason {
  readonly code: PendingCode;
  readonly sentence: string;
  readonly nearest: NearestPlacement;
  /** The ids of the devices that suit the run in everything but their memory, if there are as many as it needs. */
  readonly short?: readonly string[];
}

export interface PendingContext {
  /** Sorted by compareAgents, as it was before this plan gave any device away. */
  readonly inventory: readonly InventoryAgent[];
  readonly now: number;
  readonly obstacles: DeviceObstacles;
  /** Runs ahead that took devices in this plan or, without backfill, that wait for devices. */
  readonly ahead: readonly string[];
}

export function pendingReason(run: QueuedRun, context: PendingContext): PendingReason {
  const { code, sentence, short } = explain(run, context);
  return {
    code,
    sentence,
    ...(short && { short }),
    nearest: nearestPlacement(run, context.inventory, context.obstacles),
  };
}

/**
 * Whether the run would fit if nothing were leased: only for such a run do others wait. It counts as such a run while
 * its arrangement is unknown.
 */
export function isFeasible(
  run: QueuedRun,
  { inventory, obstacles }: Pick<PendingContext, 'inventory' | 'obstacles'>,
): boolean {
  return assignGang(run, suitable(run, usable(inventory), obstacles)) !== undefined;
}

function explain(run: QueuedRun, context: PendingContext): Omit<PendingReason, 'nearest'> {
  const { inventory, now, ahead, obstacles } = context;
  if (mustWait(run, now)) {
    const at = new Date(run.notBefore ?? now).toISOString();
    return { code: 'RETRY_WAITS', sentence: `the run waits until ${at}, because its last attempts failed at once` };
  }
  const needs = `the run needs ${devices(run.ranks)}`;
  const connected = inventory.filter((agent) => agent.connected);
  if (connected.length === 0) {
    return { code: 'NO_AGENTS', sentence: `${needs} and no agent is connected (${inventory.length} known)` };
  }
  const present = usable(inventory);
  if (present.length < run.ranks) {
    const draining = connected.filter((agent) => agent.draining).length;
    const aside = connected.length - present.length - draining;
    const sentence = [
      `${needs} and ${connected.length} ${connected.length === 1 ? 'is' : 'are'} connected`,
      ...(draining === 0 ? [] : [`${draining} draining`]),
      ...(aside === 0 ? [] : [`${aside} set aside after failures`]),
    ].join(', ');
    return { code: 'NOT_ENOUGH_DEVICES', sentence };
  }
  const fitting = suitable(run, present, obstacles);
  if (!isFeasible(run, context)) {
    const sentence = `${needs}${misfit(run, present, obstacles)}`;
    const others = present.filter((agent) => obstacles.constraints(run, agent).every(({ isOfModel }) => isOfModel));
    const short = others.length >= run.ranks && { short: others.map(({ id }) => id) };
    return { code: 'CONSTRAINTS_UNSATISFIABLE', sentence, ...short };
  }
  const free = fitting.filter(isFree);
  if (assignGang(run, free) !== undefined) {
    return { code: 'BEHIND_OTHER_RUN', sentence: `${needs} and enough are free, but ${listed(ahead)} comes first` };
  }
  const sentence = `${needs}, and ${free.length} of ${fitting.length} suitable are free; ${holdersText(run, fitting)}`;
  return { code: 'WAITING_FOR_DEVICES', sentence };
}

/** Says who has the devices that are not free; the run itself is named only while its last attempt still holds some. */
function holdersText(run: QueuedRun, fitting: readonly InventoryAgent[]): string {
  const holders = [...new Set(fitting.flatMap((agent) => agent.leasedBy ?? []))].sort();
  const others = holders.filter((id) => id !== run.id);
  const own = holders.length > others.length ? ['its own last attempt has not given its devices back yet'] : [];
  return [...(others.length > 0 ? [`${listed(others)} has ${own.length > 0 ? 'some' : 'the rest'}`] : []), ...own].join(
    ', and ',
  );
}

/** Names the first constraint that each unsuitable device does not satisfy. */
function misfit(run: QueuedRun, present: readonly InventoryAgent[], obstacles: DeviceObstacles): string {
  const fittingCount = suitable(run, present, obstacles).length;
  if (fittingCount >= run.ranks && run.arrange !== undefined) {
    return ', and no split of its layers fits the memory of those that suit it';
  }
  if (fittingCount >= run.ranks) {
    const most = Math.max(...(run.requiredBytesPerStage ?? [0]));
    return ` whose memory holds its stages (the largest needs ${gibibytes(most)}), and too few are large enough`;
  }
  const failures = present.flatMap((agent) => {
    const [first] = obstacles.constraints(run, agent);
    return first === undefined ? [] : [`${agent.host}:${agent.device}: ${first.text}`];
  });
  const more = failures.length > 3 ? `; and ${failures.length - 3} more` : '';
  return ` and ${fittingCount} of ${present.length} suit it (${failures.slice(0, 3).join('; ')}${more})`;
}

function usable(inventory: readonly InventoryAgent[]): InventoryAgent[] {
  return inventory.filter((agent) => agent.connected && !agent.draining && agent.setAside === null);
}

function suitable(run: QueuedRun, agents: readonly InventoryAgent[], obstacles: DeviceObstacles): InventoryAgent[] {
  return agents.filter((agent) => obstacles.constraints(run, agent).length === 0);
}

function isFree(agent: InventoryAgent): boolean {
  return agent.leasedBy === null;
}

function devices(count: number): string {
  return count === 1 ? '1 device' : `${count} devices`;
}

function listed(runs: readonly string[]): string {
  return runs.length === 1 ? `run ${runs[0]}` : `each of the runs ${runs.join(', ')}`;
}
