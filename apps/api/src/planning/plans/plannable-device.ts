import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { memoryOf } from '../../ledger/agents/inventory';
import type { MeasuredLayers, PlannableDevice } from '../../ledger/runs/plan-basis';

export function plannable(agent: AgentWithLease, layers?: MeasuredLayers): PlannableDevice {
  const { host, device, benchmark } = agent;
  return { label: `${host}:${device}`, memoryBytes: memoryOf(agent), benchmark, ...(layers && { layers }) };
}
