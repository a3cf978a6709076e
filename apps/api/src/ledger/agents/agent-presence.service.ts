import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import { type AgentRegistration, AgentsRepository, type AgentWithLease, type SessionKey } from './agents.repository';

export type PresentAgent = Omit<AgentWithLease, 'lease' | 'isHere' | 'setAside'>;

/** Agents coming and going, with the events of it. */
@Injectable()
export class AgentPresenceService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly agents: AgentsRepository,
    private readonly events: EventsService,
  ) {}

  /** From the commit on, only messages of the new session act. */
  async connected(registration: AgentRegistration): Promise<PresentAgent> {
    return this.prisma.transaction(async (tx) => {
      const row = await this.agents.register(tx, registration);
      const data = { state: row.draining ? 'draining' : 'connected', epoch: row.epoch };
      await this.events.append(tx, { type: 'agent.state', subject: row.id, actor: row.id, data });
      return row;
    });
  }

  /** False when a newer session has taken over, so that the agent is not gone. */
  async disconnected(session: SessionKey): Promise<boolean> {
    const { agentId, epoch } = session;
    return this.prisma.transaction(async (tx) => {
      if (!(await this.agents.markDisconnected(tx, session))) return false;
      await this.events.append(tx, {
        type: 'agent.state',
        subject: agentId,
        actor: agentId,
        data: { state: 'disconnected', epoch },
      });
      return true;
    });
  }
}
