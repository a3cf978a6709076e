import type { AgentWithLease } from '../agents/agents.repository';
import { memoryOf } from '../scheduling/inventory';
import type { MeasuredLayers, PlannableDevice } from './plan-basis';

export function plannable(agent: AgentWithLease, layers?: MeasuredLayers): PlannableDevice {
  const { host, device, benchmark } = agent;
  return { label: `${host}:${device}`, memoryBytes: memoryOf(agent), benchmark, ...(layers && { layers }) };
}
