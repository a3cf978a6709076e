import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import type { Agent, Lease, Prisma } from '../../generated/prisma/client';

/** What an agent says of itself when it opens a session. */
export interface AgentRegistration {
  readonly id: string;
  readonly host: string;
  readonly device: number;
  readonly version: string;
  readonly dataAddress: string;
  readonly adapter: Prisma.InputJsonObject;
  readonly benchmark: Prisma.InputJsonObject;
  readonly labels: Prisma.InputJsonObject;
}

export type AgentWithLease = Agent & { lease: Lease | null };

/** What tells devices of one kind from others, and what they said of themselves. */
export type AgentDevice = Pick<Agent, 'adapter' | 'version' | 'host'>;

/** Which session of which agent. */
export interface SessionKey {
  readonly agentId: string;
  readonly epoch: number;
}

/** What became of a batch: stored now, stored before, or sent by a session that is not the newest any more. */
export type SequenceOutcome = 'new' | 'duplicate' | 'superseded';

/** Rows of agents. Everything a session does is guarded by its epoch. */
@Injectable()
export class AgentsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** The epoch grows by one, which voids every older session of the agent, on whatever replica it is. */
  async register(tx: Transaction, registration: AgentRegistration, now: Date): Promise<Agent> {
    const { id, ...details } = registration;
    const seen = { connected: true, lastSeenAt: now };
    return tx.agent.upsert({
      where: { id },
      create: { id, ...details, ...seen, epoch: 1 },
      update: { ...details, ...seen, epoch: { increment: 1 } },
    });
  }

  /** False when a newer session has taken over. */
  async markSeen({ agentId, epoch }: SessionKey, now: Date): Promise<boolean> {
    const { count } = await this.prisma.agent.updateMany({
      where: { id: agentId, epoch },
      data: { connected: true, lastSeenAt: now },
    });
    return count === 1;
  }

  async markDisconnected(tx: Transaction, { agentId, epoch }: SessionKey): Promise<boolean> {
    const { count } = await tx.agent.updateMany({
      where: { id: agentId, epoch, connected: true },
      data: { connected: false },
    });
    return count === 1;
  }

  async isCurrent(tx: Transaction, { agentId, epoch }: SessionKey): Promise<boolean> {
    return (await tx.agent.count({ where: { id: agentId, epoch } })) === 1;
  }

  /** In the transaction that stores the batch: either both are there or neither. */
  async advanceMetrics(tx: Transaction, { agentId, epoch }: SessionKey, sequence: number): Promise<SequenceOutcome> {
    const metricsSeq = BigInt(sequence);
    const { count } = await tx.agent.updateMany({
      where: { id: agentId, epoch, metricsSeq: { lt: metricsSeq } },
      data: { metricsSeq },
    });
    return count === 1 ? 'new' : this.notAdvanced(tx, { agentId, epoch });
  }

  async advanceLogs(tx: Transaction, { agentId, epoch }: SessionKey, sequence: number): Promise<SequenceOutcome> {
    const logsSeq = BigInt(sequence);
    const { count } = await tx.agent.updateMany({
      where: { id: agentId, epoch, logsSeq: { lt: logsSeq } },
      data: { logsSeq },
    });
    return count === 1 ? 'new' : this.notAdvanced(tx, { agentId, epoch });
  }

  private async notAdvanced(tx: Transaction, session: SessionKey): Promise<SequenceOutcome> {
    return (await this.isCurrent(tx, session)) ? 'duplicate' : 'superseded';
  }

  async find(id: string): Promise<AgentWithLease | null> {
    // Postgres refuses NUL in text; no id has one.
    return id.includes('\0') ? null : this.prisma.agent.findUnique({ where: { id }, include: { lease: true } });
  }

  /** At most `count` agents after the id `after`, by id. */
  async list(count: number, after?: string): Promise<AgentWithLease[]> {
    return this.prisma.agent.findMany({
      ...(after === undefined ? {} : { where: { id: { gt: after } } }),
      orderBy: { id: 'asc' },
      take: count,
      include: { lease: true },
    });
  }

  async all(reader: Transaction = this.prisma): Promise<AgentWithLease[]> {
    return reader.agent.findMany({
      include: { lease: true },
      orderBy: [{ host: 'asc' }, { device: 'asc' }, { id: 'asc' }],
    });
  }

  /** Of every agent that ever registered. */
  async devices(reader: Transaction = this.prisma): Promise<AgentDevice[]> {
    return reader.agent.findMany({ select: { adapter: true, version: true, host: true } });
  }

  /** Whether all are connected and none drains; they stay so until the transaction ends. */
  async allUsable(tx: Transaction, ids: readonly string[]): Promise<boolean> {
    const rows = await tx.$queryRaw<{ id: string }[]>`
      SELECT "id" FROM "Agent" WHERE "id" = ANY(${[...ids]}::text[]) AND "connected" AND NOT "draining" FOR SHARE`;
    return rows.length === ids.length;
  }

  /** False when it was so already, or there is no such agent. */
  async setDraining(tx: Transaction, id: string, draining: boolean): Promise<boolean> {
    const { count } = await tx.agent.updateMany({ where: { id, draining: !draining }, data: { draining } });
    return count === 1;
  }
}
