import { Injectable } from '@nestjs/common';
import { AgentsRepository, type AgentWithLease } from '../../ledger/agents/agents.repository';
import { RunsRepository } from '../../ledger/runs/runs.repository';
import { SessionRegistry } from '../../ledger/sessions/session-registry';
import { noAgents } from '../../ledger/agents/generate.errors';

/** Chooses the agents of a generation: as many as the run had ranks, if there are so many, and idle ones first. */
@Injectable()
export class GenerationGangService {
  constructor(
    private readonly agents: AgentsRepository,
    private readonly runs: RunsRepository,
    private readonly registry: SessionRegistry,
  ) {}

  /**
   * The agents, indexed by rank. Agents whose sessions are at another replica cannot be asked from here. @throws
   * AppError GENERATE.NO_AGENTS
   */
  async choose(
    { runId, layers }: { readonly runId: string | null; readonly layers: number },
    isBusy: (agentId: string) => boolean,
  ): Promise<AgentWithLease[]> {
    const run = runId === null ? null : await this.runs.find(runId);
    const connected = (await this.agents.all()).filter(({ id }) => this.registry.get(id) !== undefined);
    if (connected.length === 0) throw noAgents();
    // The sort is stable: agents that are equally suitable stay in the order of the inventory.
    const preferred = connected.sort((a, b) => preference(a, isBusy) - preference(b, isBusy));
    return preferred.slice(0, Math.min(run?.spec.parallel.pp ?? 1, layers, preferred.length));
  }
}

function preference(agent: AgentWithLease, isBusy: (agentId: string) => boolean): number {
  const { id, lease, generation, draining, setAside } = agent;
  const generates = isBusy(id) || generation !== null;
  return (lease ? 4 : 0) + (generates ? 2 : 0) + (draining || setAside !== null ? 1 : 0);
}
