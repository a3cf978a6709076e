import { deviceName, type InventoryAgent } from './inventory-agent';
import type { QueuedRun } from './queued-run';
import { usableMemoryBytes } from './usable-memory';

/** What keeps a device from a run, cheapest to remove first: waiting, an operator, another spec or device. */
export type ObstacleKind = 'lease_lapsed' | 'leased' | 'set_aside' | 'draining' | 'disconnected' | 'constraint';

export interface Obstacle {
  readonly kind: ObstacleKind;
  /** A clause for a sentence: "memory 4 GiB is below minMemory 8 GiB". */
  readonly text: string;
}

/** Everything between `run` and `agent`; none means it can have the device now. */
export function deviceObstacles(run: QueuedRun, agent: InventoryAgent, now: number): Obstacle[] {
  return [...stateObstacles(run, agent, now), ...constraintObstacles(run, agent)];
}

function stateObstacles(run: QueuedRun, agent: InventoryAgent, now: number): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (!agent.connected) obstacles.push({ kind: 'disconnected', text: 'its agent is not connected' });
  if (agent.draining) obstacles.push({ kind: 'draining', text: 'it is draining' });
  if (agent.setAside !== null) obstacles.push({ kind: 'set_aside', text: `it is set aside ${agent.setAside}` });
  if (agent.leasedBy !== null) {
    // A lapsed lease still holds: only the sweep, which gives fresh terms after a restart, may end it.
    const lapsed = agent.leaseExpiresAt !== null && agent.leaseExpiresAt <= now;
    obstacles.push({ kind: lapsed ? 'lease_lapsed' : 'leased', text: leaseText(run, agent.leasedBy, lapsed) });
  }
  return obstacles;
}

function leaseText({ id }: QueuedRun, holder: string, lapsed: boolean): string {
  // A run does not stand in its own way: what is over gives its devices back, or their leases run out.
  if (holder === id) return "this run's last attempt has not given it back yet";
  return lapsed ? `a lapsed lease of run ${holder} is on it` : `run ${holder} holds it`;
}

/** What waiting does not change: the run's constraints. */
export function constraintObstacles(run: QueuedRun, agent: InventoryAgent): Obstacle[] {
  const texts: string[] = [];
  if (run.include.length > 0 && !names(run.include, agent)) texts.push('it is not in include');
  if (names(run.exclude, agent)) texts.push('it is in exclude');
  for (const [key, value] of Object.entries(run.labels)) {
    const has = Object.hasOwn(agent.labels, key) ? agent.labels[key] : undefined;
    if (has !== value) texts.push(`its label ${key} is ${has === undefined ? 'absent' : has}, not ${value}`);
  }
  const memory = agent.memoryBytes;
  if ((memory ?? 0) < run.minMemoryBytes) {
    texts.push(
      `its memory ${memory === null ? 'is unknown' : gibibytes(memory)}, minMemory is ${gibibytes(run.minMemoryBytes)}`,
    );
  }
  const least = Math.min(...(run.requiredBytesPerStage ?? [0]));
  const usable = usableMemoryBytes(memory ?? 0);
  if (memory !== null && usable < least) {
    texts.push(
      `the ${gibibytes(usable)} that stages may use of its memory are less than the ${gibibytes(least)} of the smallest stage`,
    );
  }
  return texts.map((text) => ({ kind: 'constraint', text }));
}

function names(list: readonly string[], agent: InventoryAgent): boolean {
  return list.includes(agent.host) || list.includes(deviceName(agent));
}

export function gibibytes(bytes: number): string {
  return `${Number((bytes / 2 ** 30).toPrecision(3))} GiB`;
}
