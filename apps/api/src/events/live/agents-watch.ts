import { agentBody } from '../../agents/agent-body';
import type { AgentsRepository } from '../../agents/agents.repository';
import type { InventoryView } from '../../scheduling/inventory';
import type { LiveMessage } from './live-message';

/** What has changed of agents since the last look: state, lease, labels; neither telemetry nor when they last spoke. */
export class AgentsWatch {
  private known: Map<string, string> | undefined;

  constructor(private readonly agents: Pick<AgentsRepository, 'all'>) {}

  /** The first look only notes where things stand. */
  async look(view: InventoryView): Promise<LiveMessage[]> {
    const bodies = (await this.agents.all()).map((agent) => agentBody(agent, view));
    const before = this.known;
    this.known = new Map(bodies.map((body) => [body.id, fingerprint(body)]));
    if (before === undefined) return [];
    return bodies
      .filter((body) => before.get(body.id) !== fingerprint(body))
      .map((body) => ({ type: 'agent.updated', runId: null, subject: body.id, data: body }));
  }
}

/** A lease that is only renewed is the same one. */
function fingerprint({ lastSeenAt: _, telemetry: __, lease, ...rest }: ReturnType<typeof agentBody>): string {
  return JSON.stringify({ ...rest, lease: lease && [lease.runId, lease.fence, lease.rank] });
}
