import type { DeviceObstacles, ObstacleKind } from './device-obstacles';
import { compareAgents, deviceName, type InventoryAgent } from './inventory-agent';
import type { QueuedRun } from './queued-run';

/** The placement that needs the least to become possible, and what it needs. */
export interface NearestPlacement {
  readonly devices: readonly NearestDevice[];
  /** Devices that no known agent could give. */
  readonly missingDevices: number;
}

export interface NearestDevice {
  readonly agentId: string;
  /** host:device */
  readonly name: string;
  /** What keeps the run from this device; empty if the device is free. */
  readonly obstacles: readonly string[];
}

/** Any number of smaller obstacles counts less than one of the next size, because each device has few of them. */
const COST: Readonly<Record<ObstacleKind, number>> = {
  lease_lapsed: 1,
  leased: 10,
  set_aside: 100,
  draining: 1000,
  disconnected: 10_000,
  constraint: 100_000,
};

export function nearestPlacement(
  run: QueuedRun,
  inventory: readonly InventoryAgent[],
  obstacles: DeviceObstacles,
): NearestPlacement {
  const ranked = inventory
    .map((agent) => ({ agent, cost: obstacles.kinds(run, agent).reduce((sum, kind) => sum + COST[kind], 0) }))
    .sort((a, b) => a.cost - b.cost || compareAgents(a.agent, b.agent))
    .slice(0, run.ranks);
  return {
    devices: ranked.map(({ agent }) => ({
      agentId: agent.id,
      name: deviceName(agent),
      obstacles: obstacles.of(run, agent).map(({ text }) => text),
    })),
    missingDevices: run.ranks - ranked.length,
  };
}
