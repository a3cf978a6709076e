import type { AgentBody } from '@millrace/contracts';
import type { AgentWithLease } from './agents.repository';
import { type DeviceOwner, sharersOf } from './shared-device';

/** Telemetry comes every 5 s; when it is older than this, it does not tell what the device does now. */
const TELEMETRY_CURRENT_MS = 30_000;

/** The body with which REST shows an agent; `devices` are those of all agents. */
export function agentBody(agent: AgentWithLease, devices: readonly DeviceOwner[]): AgentBody {
  const { id, host, device, version, dataAddress, lease, generation, lastSeenAt, setAside, isHere } = agent;
  return {
    id,
    host,
    device,
    version,
    dataAddress,
    state: stateOf(agent),
    setAside: setAside && { until: setAside.until.toISOString(), reason: setAside.reason },
    adapter: agent.adapter as AgentBody['adapter'],
    sharesDeviceWith: isHere ? sharersOf(agent, devices) : [],
    benchmark: agent.benchmark as AgentBody['benchmark'],
    labels: agent.labels as AgentBody['labels'],
    lease: lease && {
      runId: lease.runId,
      fence: lease.fence,
      rank: lease.rank,
      expiresAt: lease.expiresAt.toISOString(),
    },
    generation: generation && { ...generation, expiresAt: generation.expiresAt.toISOString() },
    lastSeenAt: lastSeenAt.toISOString(),
    telemetry: isHere ? currentTelemetry(agent) : null,
  };
}

/** What keeps the agent from work; of several causes, the one that is hardest to remove. */
function stateOf({ isHere, draining, setAside }: AgentWithLease): string {
  if (!isHere) return 'disconnected';
  if (draining) return 'draining';
  return setAside === null ? 'connected' : 'set-aside';
}

type CurrentTelemetry = Pick<AgentWithLease, 'telemetry' | 'readAt'>;

/** Null if the device has reported nothing yet, or nothing for a while. */
export function currentTelemetry({ telemetry: told, readAt }: CurrentTelemetry): AgentBody['telemetry'] {
  const telemetry = told as AgentBody['telemetry'];
  return telemetry !== null && readAt.getTime() - Date.parse(telemetry.time) < TELEMETRY_CURRENT_MS ? telemetry : null;
}
