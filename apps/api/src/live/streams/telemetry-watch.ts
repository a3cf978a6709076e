import type { AgentBody } from '@millrace/contracts';
import type { LiveMessage } from './live-message';

/** Of one agent at most so often, however fast it tells; what is in between is in the series. */
const TOLD_EVERY_MS = 2_000;

interface Told {
  /** The sample's. */
  readonly time: string | undefined;
  readonly atMs: number;
}

/** What is new of the telemetry of agents that are watched one by one; nothing is remembered of others. */
export class TelemetryWatch {
  private readonly told = new Map<string, Told>();

  /** Of an agent that is new to `watched` only notes where things stand. */
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
