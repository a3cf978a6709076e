import { type agentV1, INT4_MAX, storableText } from '@millrace/contracts';
import type { AgentRegistration } from '../../ledger/agents/agents.repository';
import { registrationInvalid } from '../../ledger/sessions/sessions.errors';

const TEXT_LENGTH_MAX = 256;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const ADDRESS = /^(\[[0-9A-Fa-f:]+\]|[^\s:/]+):\d{1,5}$/;
const LABELS_MAX = 64;
/** The most entries in an adapter's features, in its limits and in its quarantined kernels. */
const ADAPTER_ENTRIES_MAX = 256;
/** An agent has one device and one lease; the other attempts that it names are ones that it is ending. */
export const RUNNING_MAX = 64;

/** @throws AppError SESSION.REGISTRATION_INVALID */
export function checkAgentId(agentId: string): void {
  if (!ID.test(agentId)) throw registrationInvalid('agent_id', 'must be 1 to 64 of A-Z, a-z, 0-9, "_" and "-"');
}

/** Turns a registration into what is stored. @throws AppError SESSION.REGISTRATION_INVALID */
export function parseRegistration(register: agentV1.Register): AgentRegistration {
  const { agentId, host, device, version, dataAddress, adapter, benchmark, labels, running } = register;
  checkAgentId(agentId);
  for (const [field, text] of textsOf(register)) checkText(field, text);
  if (!ADDRESS.test(dataAddress)) throw registrationInvalid('data_address', `is "${dataAddress}", not host:port`);
  if (host === '') throw registrationInvalid('host', `must have 1 to ${TEXT_LENGTH_MAX} characters`);
  if (device < 0 || device > INT4_MAX) throw registrationInvalid('device', `is ${device}, not the index of a device`);
  if (Object.keys(labels).length > LABELS_MAX)
    throw registrationInvalid('labels', `has more than ${LABELS_MAX} entries`);
  if (running.length > RUNNING_MAX)
    throw registrationInvalid('running', `has ${running.length} entries, more than ${RUNNING_MAX}`);
  if (!running.every(isStorable))
    throw registrationInvalid('running', 'has a run, a fence or a time that cannot be stored');
  if ((adapter?.features.length ?? 0) > ADAPTER_ENTRIES_MAX)
    throw registrationInvalid('adapter.features', `has more than ${ADAPTER_ENTRIES_MAX} entries`);
  if (Object.keys(adapter?.limits ?? {}).length > ADAPTER_ENTRIES_MAX)
    throw registrationInvalid('adapter.limits', `has more than ${ADAPTER_ENTRIES_MAX} entries`);
  if ((adapter?.quarantined.length ?? 0) > ADAPTER_ENTRIES_MAX)
    throw registrationInvalid('adapter.quarantined', `has more than ${ADAPTER_ENTRIES_MAX} entries`);
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

function isStorable({ runId, fence, threadSilentMs }: agentV1.RunningAttempt): boolean {
  return storableText.safeParse(runId).success && fence >= 0 && fence <= INT4_MAX && Number.isFinite(threadSilentMs);
}

/** Every text of a registration with the name of its field: all of them are stored and shown. */
function textsOf({ host, version, dataAddress, adapter, labels }: agentV1.Register): [field: string, text: string][] {
  const { vendor = '', architecture = '', device = '', description = '', adapterClass = '' } = adapter ?? {};
  const { uuid = '', pciAddress = '', deviceProof = '' } = adapter ?? {};
  const described = { vendor, architecture, device, description, adapter_class: adapterClass };
  const identity = { uuid, pci_address: pciAddress, device_proof: deviceProof };
  return [
    ...Object.entries({ host, version, data_address: dataAddress }),
    ...Object.entries({ ...described, ...identity }).map(([name, text]): [string, string] => [`adapter.${name}`, text]),
    ...(adapter?.features ?? []).map((feature): [string, string] => ['adapter.features', feature]),
    ...(adapter?.quarantined ?? []).map((kernel): [string, string] => ['adapter.quarantined', kernel]),
    ...Object.keys(adapter?.limits ?? {}).map((name): [string, string] => ['adapter.limits', name]),
    ...Object.entries(labels).flatMap((entry) => entry.map((text): [string, string] => ['labels', text])),
  ];
}

function checkText(field: string, text: string): void {
  if (text.length > TEXT_LENGTH_MAX)
    throw registrationInvalid(field, `has ${text.length} characters, more than ${TEXT_LENGTH_MAX}`);
  if (!storableText.safeParse(text).success) throw registrationInvalid(field, 'has a character that cannot be stored');
}

function adapterDocument(adapter: agentV1.Adapter | undefined): AgentRegistration['adapter'] {
  if (adapter === undefined) return {};
  const limits = Object.fromEntries(Object.entries(adapter.limits).map(([name, value]) => [name, finite(value)]));
  return { ...adapter, limits, memoryBytes: finite(adapter.memoryBytes) };
}

/** Makes a number fit for JSON, which has neither NaN nor infinities: such a measurement counts as unknown. */
function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}
