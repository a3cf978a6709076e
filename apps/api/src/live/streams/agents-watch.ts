import type { AgentBody } from '@millrace/contracts';
import { agentBody } from '../../ledger/agents/agent-body';
import type { AgentsRepository } from '../../ledger/agents/agents.repository';
import type { LiveMessage } from './live-message';
import { TelemetryWatch } from './telemetry-watch';

/**
 * What has changed about agents since the last look: state, lease and labels, but not when they last spoke. For some
 * agents also their telemetry.
 */
export class AgentsWatch {
  private known: Map<string, string> | undefined;
  private readonly telemetry = new TelemetryWatch();

  constructor(private readonly agents: Pick<AgentsRepository, 'all'>) {}

  /** The first look only remembers the present state. `closely` names the agents whose telemetry is reported too. */
  async look(nowMs: number, closely: ReadonlySet<string>): Promise<LiveMessage[]> {
    const devices = await this.agents.all();
    const bodies = devices.map((agent) => agentBody(agent, devices));
    return [...this.updates(bodies), ...this.telemetry.look(bodies, closely, nowMs)];
  }

  private updates(bodies: readonly AgentBody[]): LiveMessage[] {
    const before = this.known;
    this.known = new Map(bodies.map((body) => [body.id, fingerprint(body)]));
    if (before === undefined) return [];
    return bodies
      .filter((body) => before.get(body.id) !== fingerprint(body))
      .map((body) => ({ type: 'agent.updated', runId: null, subject: body.id, data: body }));
  }
}

/** What tells whether an agent has changed; a lease that is only renewed has not. */
function fingerprint(body: ReturnType<typeof agentBody>): string {
  const { lastSeenAt: _, telemetry: __, lease, generation, ...rest } = body;
  const held = lease && [lease.runId, lease.fence, lease.rank];
  return JSON.stringify({ ...rest, lease: held, generation: generation && [generation.id, generation.rank] });
}
