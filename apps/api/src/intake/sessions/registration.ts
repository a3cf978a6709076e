import type { agentV1 } from '@millrace/contracts';
import type { AgentRegistration } from '../../ledger/agents/agents.repository';
import { registrationInvalid } from '../../ledger/sessions/sessions.errors';

const TEXT_LENGTH_MAX = 256;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const ADDRESS = /^(\[[0-9A-Fa-f:]+\]|[^\s:/]+):\d{1,5}$/;
const LABELS_MAX = 64;

/** @throws AppError SESSION.REGISTRATION_INVALID */
export function checkAgentId(agentId: string): void {
  if (!ID.test(agentId)) throw registrationInvalid('agent_id', 'must be 1 to 64 of A-Z, a-z, 0-9, "_" and "-"');
}

/** A registration as it is stored. @throws AppError SESSION.REGISTRATION_INVALID */
export function parseRegistration(register: agentV1.Register): AgentRegistration {
  const { agentId, host, device, version, dataAddress, adapter, benchmark, labels } = register;
  checkAgentId(agentId);
  if (!ADDRESS.test(dataAddress)) throw registrationInvalid('data_address', `is "${dataAddress}", not host:port`);
  if (host === '' || host.length > TEXT_LENGTH_MAX)
    throw registrationInvalid('host', `must have 1 to ${TEXT_LENGTH_MAX} characters`);
  if (version.length > TEXT_LENGTH_MAX)
    throw registrationInvalid('version', `must have at most ${TEXT_LENGTH_MAX} characters`);
  if (device < 0) throw registrationInvalid('device', `is ${device}, not the index of a device`);
  if (Object.keys(labels).length > LABELS_MAX)
    throw registrationInvalid('labels', `has more than ${LABELS_MAX} entries`);
  return {
    id: agentId,
    host,
    device,
    version,
    dataAddress,
    adapter: adapterDocument(adapter),
    benchmark: { matmulGflops: finite(benchmark?.matmulGflops), memoryGbps: finite(benchmark?.memoryGbps) },
    labels,
  };
}

function adapterDocument(adapter: agentV1.Adapter | undefined): AgentRegistration['adapter'] {
  if (adapter === undefined) return {};
  const limits = Object.fromEntries(Object.entries(adapter.limits).map(([name, value]) => [name, finite(value)]));
  return { ...adapter, limits, memoryBytes: finite(adapter.memoryBytes) };
}

/** JSON has neither NaN nor infinities; a measurement that is none counts as unknown. */
function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}
