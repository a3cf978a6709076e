import { usableMemoryBytes } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { memoryOf } from '../../ledger/agents/inventory';
import { speedOf } from '../../ledger/agents/device-speed';
import type { MeasuredLayers, PlannableDevice } from '../../ledger/runs/plan-basis';
import type { RankMemory } from '../threads/run-shape';

interface KnownOfDevice {
  readonly layers: MeasuredLayers | undefined;
  /** See MemoryLimits. */
  readonly limitBytes: number | undefined;
}

export function plannable(agent: AgentWithLease, { layers, limitBytes }: KnownOfDevice): PlannableDevice {
  const { host, device, benchmark } = agent;
  const bytes = memoryOf(agent);
  const usableBytes = bytes === undefined ? undefined : usableMemoryBytes(bytes);
  const memoryBytes = limitBytes === undefined ? usableBytes : Math.min(limitBytes, usableBytes ?? Infinity);
  return { label: `${host}:${device}`, memoryBytes, ...softwareOf(agent), benchmark, ...(layers && { layers }) };
}

/** Whether a software driver runs the agent's device, as a plan is told it. */
export function softwareOf({ adapter }: Pick<AgentWithLease, 'adapter'>): Pick<PlannableDevice, 'isSoftware'> {
  const { adapterClass } = adapter as Record<string, unknown>;
  return adapterClass === 'cpu' ? { isSoftware: true } : {};
}

/** Whether every device's speed is known. If not, the plan's times are those of equal devices of unknown speed. */
export function speedsAreKnown(devices: readonly PlannableDevice[]): boolean {
  return devices.every((device) => device.layers !== undefined || speedOf(device) !== undefined);
}

/**
 * The memory of each rank on its device. GPUs hold the sums of split products besides, which count as working memory. A
 * rank without a device counts as if it had a GPU.
 */
export function memoryOn(
  devices: readonly Pick<PlannableDevice, 'isSoftware'>[],
  memory: readonly RankMemory[],
): Omit<RankMemory, 'partialSums'>[] {
  return memory.map(({ partialSums, ...told }, rank) => {
    const held = devices[rank]?.isSoftware === true ? 0 : partialSums;
    return { ...told, working: told.working + held, total: told.total + held };
  });
}
