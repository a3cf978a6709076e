import { Injectable } from '@nestjs/common';
import { type AgentBody, type Page, storableText } from '@millrace/contracts';
import { isLive } from '../../ledger/runs/attempt-record';
import { BoundaryRequestsService } from '../../ledger/runs/boundary-requests.service';
import { nextCursor } from '../../ground/http/cursor';
import type { Transaction } from '../../ground/database/prisma.service';
import { type FencedAttempt, RunLedger } from '../../ledger/runs/run-ledger';
import { agentBody } from '../../ledger/agents/agent-body';
import { agentCursorInvalid, agentNotFound } from '../../ledger/agents/agents.errors';
import { SetAsideService } from '../../ledger/attempts/set-aside.service';
import { AgentsRepository, type AgentWithLease } from '../../ledger/agents/agents.repository';
import { EventsService } from '../../ground/events/events.service';

export interface AgentListQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Agents, as the REST API offers them. */
@Injectable()
export class AgentsService {
  constructor(
    private readonly agents: AgentsRepository,
    private readonly ledger: RunLedger,
    private readonly events: EventsService,
    private readonly boundaries: BoundaryRequestsService,
    private readonly setAsides: SetAsideService,
  ) {}

  async list({ limit, cursor }: AgentListQuery): Promise<Page<AgentBody>> {
    const rows = await this.agents.list(limit + 1, cursor === undefined ? undefined : parseCursor(cursor));
    const items = rows.slice(0, limit);
    const devices = await this.agents.devices();
    return {
      items: items.map((agent) => agentBody(agent, devices)),
      nextCursor: nextCursor(rows, limit, ({ id }) => Buffer.from(`agent ${id}`).toString('base64url')),
    };
  }

  async get(id: string): Promise<AgentBody> {
    return agentBody(await this.found(id), await this.agents.devices());
  }

  /**
   * Gives the agent no new attempt. The one that it runs goes on to its next step boundary, takes a checkpoint there
   * and is placed elsewhere, which uses up no retry.
   */
  async drain(id: string, actor: string): Promise<AgentBody> {
    await this.found(id);
    await this.setDraining(id, true, actor);
    // Read after the change: a placement that was under way before it may have given the agent a lease since.
    const { lease } = await this.found(id);
    if (lease) await this.ledger.change((tx) => this.leave(tx, lease));
    return this.get(id);
  }

  /** Gives the agent attempts again, whether it was draining or set aside. */
  async undrain(id: string, actor: string): Promise<AgentBody> {
    await this.found(id);
    await this.setDraining(id, false, actor);
    await this.setAsides.takeBack(id, actor);
    return this.get(id);
  }

  private async setDraining(id: string, draining: boolean, actor: string): Promise<void> {
    await this.ledger.change(async (tx) => {
      if (!(await this.agents.setDraining(tx, id, draining))) return;
      await this.events.append(tx, {
        type: 'agent.state',
        subject: id,
        actor,
        action: draining ? 'agent.drain' : 'agent.undrain',
        data: { state: draining ? 'draining' : 'undrained' },
      });
    });
  }

  private async leave(tx: Transaction, { runId, fence }: FencedAttempt): Promise<void> {
    const locked = await this.ledger.lock(tx, { runId, fence });
    if (locked && isLive(locked.attempt.state))
      await this.boundaries.request(tx, locked.attempt, { checkpoint: true, stop: true });
  }

  private async found(id: string): Promise<AgentWithLease> {
    const agent = await this.agents.find(id);
    if (!agent) throw agentNotFound(id);
    return agent;
  }
}

/** @throws AppError AGENT.CURSOR_INVALID */
function parseCursor(cursor: string): string {
  const [kind, id, ...rest] = Buffer.from(cursor, 'base64url').toString().split(' ');
  if (kind !== 'agent' || !id || rest.length > 0 || !storableText.safeParse(id).success) throw agentCursorInvalid();
  return id;
}
