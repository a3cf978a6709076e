import type { AgentWithLease } from '../agents/agents.repository';
import { memoryOf } from '../scheduling/inventory';

/** A device as the planner needs to know it. */
export interface PlannableDevice {
  /** host:device */
  readonly label: string;
  /** Undefined when the driver does not say. */
  readonly memoryBytes: number | undefined;
  /** Of its start-up benchmark. */
  readonly benchmark: unknown;
}

export function plannable(agent: AgentWithLease): PlannableDevice {
  const { host, device, benchmark } = agent;
  return { label: `${host}:${device}`, memoryBytes: memoryOf(agent), benchmark };
}
