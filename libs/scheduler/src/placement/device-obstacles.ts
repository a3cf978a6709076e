import { deviceName, type InventoryAgent } from './inventory-agent';
import type { QueuedRun } from './queued-run';
import { usableMemoryBytes } from './usable-memory';

/**
 * What keeps a device from a run, with what is easiest to remove first: waiting, an operator, another spec or device.
 */
export type ObstacleKind = 'lease_lapsed' | 'leased' | 'set_aside' | 'draining' | 'disconnected' | 'constraint';

export interface Obstacle {
  readonly kind: ObstacleKind;
  /** A clause for a sentence: "memory 4 GiB is below minMemory 8 GiB". */
  readonly text: string;
  /** Whether other settings of the run could remove it: the model needs more memory than the device has. */
  readonly isOfModel?: true;
}

/**
 * The obstacles between runs and devices at one moment. Hundreds of waiting runs ask for those of every device, and
 * most of them have the same constraints, which are compared once for all of these runs.
 */
export class DeviceObstacles {
  private readonly ofDemands = new Map<string, Map<InventoryAgent, readonly Obstacle[]>>();
  private readonly ofRuns = new Map<QueuedRun, Map<InventoryAgent, readonly Obstacle[]>>();
  private readonly stateKinds = new Map<InventoryAgent, readonly ObstacleKind[]>();

  constructor(private readonly now: number) {}

  /** All obstacles between `run` and `agent`; if there are none, the run can have the device now. */
  of(run: QueuedRun, agent: InventoryAgent): Obstacle[] {
    return [...stateObstacles(run, agent, this.now), ...this.constraints(run, agent)];
  }

  /** The kinds of the obstacles, without the cost of a sentence about each. */
  kinds(run: QueuedRun, agent: InventoryAgent): readonly ObstacleKind[] {
    const kinds = this.stateKinds.get(agent) ?? stateObstacles(run, agent, this.now).map(({ kind }) => kind);
    this.stateKinds.set(agent, kinds);
    const constraints = this.constraints(run, agent);
    return constraints.length === 0 ? kinds : [...kinds, ...constraints.map(({ kind }) => kind)];
  }

  /** The obstacles that waiting does not remove: the run's constraints. */
  constraints(run: QueuedRun, agent: InventoryAgent): readonly Obstacle[] {
    const known = this.constraintsOfRun(run);
    const obstacles = known.get(agent) ?? constraintObstacles(run, agent);
    known.set(agent, obstacles);
    return obstacles;
  }

  private constraintsOfRun(run: QueuedRun): Map<InventoryAgent, readonly Obstacle[]> {
    const known = this.ofRuns.get(run);
    if (known !== undefined) return known;
    const { include, exclude, labels, needs, minMemoryBytes } = run;
    const demands = JSON.stringify([include, exclude, labels, needs, minMemoryBytes, smallestStageBytes(run)]);
    const constraints = this.ofDemands.get(demands) ?? new Map<InventoryAgent, readonly Obstacle[]>();
    this.ofDemands.set(demands, constraints);
    this.ofRuns.set(run, constraints);
    return constraints;
  }
}

function stateObstacles(run: QueuedRun, agent: InventoryAgent, now: number): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (!agent.connected) obstacles.push({ kind: 'disconnected', text: 'its agent is not connected' });
  if (agent.draining) obstacles.push({ kind: 'draining', text: 'it is draining' });
  if (agent.setAside !== null) obstacles.push({ kind: 'set_aside', text: `it is set aside ${agent.setAside}` });
  if (agent.leasedBy !== null) {
    // A lapsed lease still counts: only the sweep, which gives fresh terms after a restart, may end it.
    const lapsed = agent.leaseExpiresAt !== null && agent.leaseExpiresAt <= now;
    obstacles.push({ kind: lapsed ? 'lease_lapsed' : 'leased', text: leaseText(run, agent.leasedBy, lapsed) });
  }
  return obstacles;
}

function leaseText({ id }: QueuedRun, holder: string, lapsed: boolean): string {
  // A run's own last attempt is not an obstacle to remove: it gives its devices back, or its leases run out.
  if (holder === id) return "this run's last attempt has not given it back yet";
  return lapsed ? `a lapsed lease of run ${holder} is on it` : `run ${holder} holds it`;
}

function constraintObstacles(run: QueuedRun, agent: InventoryAgent): Obstacle[] {
  const texts: string[] = [];
  if (run.include.length > 0 && !names(run.include, agent)) texts.push('it is not in include');
  if (names(run.exclude, agent)) texts.push('it is in exclude');
  for (const [key, value] of Object.entries(run.labels)) {
    const has = Object.hasOwn(agent.labels, key) ? agent.labels[key] : undefined;
    if (has !== value) texts.push(`its label ${key} is ${has === undefined ? 'absent' : has}, not ${value}`);
  }
  for (const { feature, by } of run.needs)
    if (!agent.features.includes(feature)) texts.push(`its adapter has no ${feature}, which ${by} needs`);
  const memory = agent.memoryBytes;
  if ((memory ?? 0) < run.minMemoryBytes) {
    texts.push(
      `its memory ${memory === null ? 'is unknown' : gibibytes(memory)}, minMemory is ${gibibytes(run.minMemoryBytes)}`,
    );
  }
  return [...texts.map((text) => ({ kind: 'constraint' as const, text })), ...modelObstacles(run, memory)];
}

function modelObstacles(run: QueuedRun, memory: number | null): Obstacle[] {
  const least = smallestStageBytes(run);
  const usable = usableMemoryBytes(memory ?? 0);
  if (memory === null || usable >= least) return [];
  const has = `the ${gibibytes(usable)} that stages may use of its memory`;
  const text = `${has} are less than the ${gibibytes(least)} of the smallest stage`;
  return [{ kind: 'constraint', text, isOfModel: true }];
}

function smallestStageBytes({ requiredBytesPerStage = [0] }: QueuedRun): number {
  return requiredBytesPerStage.reduce((least, bytes) => Math.min(least, bytes), Infinity);
}

function names(list: readonly string[], agent: InventoryAgent): boolean {
  return list.includes(agent.host) || list.includes(deviceName(agent));
}

export function gibibytes(bytes: number): string {
  return `${Number((bytes / 2 ** 30).toPrecision(3))} GiB`;
}
