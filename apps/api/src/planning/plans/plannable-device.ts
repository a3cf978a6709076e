import { usableMemoryBytes } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { memoryOf } from '../../ledger/agents/inventory';
import type { MeasuredLayers, PlannableDevice } from '../../ledger/runs/plan-basis';

export function plannable(agent: AgentWithLease, layers?: MeasuredLayers): PlannableDevice {
  const { host, device, benchmark } = agent;
  const bytes = memoryOf(agent);
  const memoryBytes = bytes === undefined ? undefined : usableMemoryBytes(bytes);
  return { label: `${host}:${device}`, memoryBytes, benchmark, ...(layers && { layers }) };
}
