import type { AgentBody } from '@millrace/contracts';
import type { LiveMessage } from './live-message';

/** One agent's telemetry is reported at most this often; samples in between are in the series. */
const TOLD_EVERY_MS = 2_000;

interface Told {
  /** The time of the last reported sample. */
  readonly time: string | undefined;
  readonly atMs: number;
}

/** What is new in the telemetry of agents that are watched one by one; nothing is remembered about other agents. */
export class TelemetryWatch {
  private readonly told = new Map<string, Told>();

  /** For an agent that is new in `watched`, the first look only remembers its present sample. */
  look(agents: readonly AgentBody[], watched: ReadonlySet<string>, nowMs: number): LiveMessage[] {
    for (const id of this.told.keys()) if (!watched.has(id)) this.told.delete(id);
    return agents.filter(({ id }) => watched.has(id)).flatMap((agent) => this.lookAt(agent, nowMs));
  }

  private lookAt({ id, telemetry }: AgentBody, nowMs: number): LiveMessage[] {
    const before = this.told.get(id);
    const time = telemetry?.time;
    if (before === undefined) this.told.set(id, { time, atMs: -Infinity });
    if (before === undefined || !telemetry || time === before.time) return [];
    if (nowMs - before.atMs < TOLD_EVERY_MS) return [];
    this.told.set(id, { time, atMs: nowMs });
    return [{ type: 'agent.telemetry', runId: null, subject: id, data: { agentId: id, ...telemetry } }];
  }
}
