import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import { type AgentRegistration, AgentsRepository, type AgentWithLease, type SessionKey } from './agents.repository';
import { sharersOf } from './shared-device';

type AgentRow = Omit<AgentWithLease, 'lease' | 'generation' | 'readAt' | 'isHere' | 'setAside'>;

export interface PresentAgent extends AgentRow {
  /** Ids of other connected agents on the very same GPU. */
  readonly sharesDeviceWith: readonly string[];
}

/** Records that agents come and go, with the events about it. */
@Injectable()
export class AgentPresenceService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly agents: AgentsRepository,
    private readonly events: EventsService,
  ) {}

  /** As soon as this is committed, only messages of the new session have an effect. */
  async connected(registration: AgentRegistration): Promise<PresentAgent> {
    return this.prisma.transaction(async (tx) => {
      const row = await this.agents.register(tx, registration);
      const data = { state: row.draining ? 'draining' : 'connected', epoch: row.epoch };
      await this.events.append(tx, { type: 'agent.state', subject: row.id, actor: row.id, data });
      const sharesDeviceWith = sharersOf(row, await this.agents.devices(tx));
      if (sharesDeviceWith.length > 0) await this.noteSharing(tx, row, sharesDeviceWith);
      return { ...row, sharesDeviceWith };
    });
  }

  private noteSharing(
    tx: Transaction,
    { id, adapter }: AgentRow,
    sharesDeviceWith: readonly string[],
  ): Promise<unknown> {
    const { uuid, pciAddress, deviceProof } = adapter as Record<string, string | undefined>;
    const data = { sharesDeviceWith, uuid, pciAddress, deviceProof };
    return this.events.append(tx, { type: 'agent.device_shared', subject: id, actor: id, data });
  }

  /** Returns false when a newer session has taken over, in which case the agent is not gone. */
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
