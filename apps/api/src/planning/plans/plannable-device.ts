import { usableMemoryBytes } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { memoryOf } from '../../ledger/agents/inventory';
import { speedOf } from '../../ledger/agents/device-speed';
import type { MeasuredLayers, PlannableDevice } from '../../ledger/runs/plan-basis';

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
  return { label: `${host}:${device}`, memoryBytes, benchmark, ...(layers && { layers }) };
}

/** Whether every device's speed is known. If not, the plan's times are those of equal devices of unknown speed. */
export function speedsAreKnown(devices: readonly PlannableDevice[]): boolean {
  return devices.every((device) => device.layers !== undefined || speedOf(device) !== undefined);
}
