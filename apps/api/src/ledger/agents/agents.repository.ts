import { Injectable } from '@nestjs/common';
import { ApiConfig } from '../../ground/config/api-config';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import type { Agent, Lease, Prisma } from '../../generated/prisma/client';
import { type AttemptLease, isOfAttempt } from '../runs/leases.repository';

/** What an agent says about itself when it opens a session. */
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

export interface AgentWithLease extends Agent {
  /** The lease of the attempt that holds the device. */
  readonly lease: AttemptLease | null;
  /** The lease of the generation that holds the device. */
  readonly generation: GenerationLease | null;
  /** When the row was read, by the database's clock, as are all its times. */
  readonly readAt: Date;
  /**
   * Whether the agent has a session and was heard within the last lease, even if an older session left other values
   * behind.
   */
  readonly isHere: boolean;
  /** Until when the agent gets no attempts, and why; null if it may get one. */
  readonly setAside: { readonly until: Date; readonly reason: string } | null;
}

export interface GenerationLease {
  readonly id: string;
  readonly rank: number;
  readonly expiresAt: Date;
}

/** After which failures their agent is set aside, and for how long. */
export interface SetAsideRule {
  readonly failuresMax: number;
  readonly windowMs: number;
  readonly asideMs: number;
  readonly classes: readonly string[];
  readonly reason: string;
}

/** What distinguishes kinds of devices, as the agents describe them. */
export type AgentDevice = Pick<Agent, 'adapter' | 'version' | 'host'>;

/** A device with what is needed to tell whether it is the same GPU as another agent's. */
export type OwnedDevice = AgentDevice & Pick<Agent, 'id' | 'connected'>;

/** A session of an agent. */
export interface SessionKey {
  readonly agentId: string;
  readonly epoch: number;
}

/**
 * What happened to a batch: it is stored now, was stored before, or was sent by a session that is no longer the newest.
 */
export type SequenceOutcome = 'new' | 'duplicate' | 'superseded';

/** Rows of agents. Everything that a session does is guarded by its epoch. */
@Injectable()
export class AgentsRepository {
  constructor(
    private readonly prisma: PrismaService,
    private readonly time: DatabaseClock,
    private readonly config: ApiConfig,
  ) {}

  /** The epoch grows by one, which voids every older session of the agent, also one at another replica. */
  async register(tx: Transaction, registration: AgentRegistration): Promise<Agent> {
    const { id, ...details } = registration;
    const seen = { connected: true, lastSeenAt: await this.time.now(tx) };
    return tx.agent.upsert({
      where: { id },
      create: { id, ...details, ...seen, epoch: 1 },
      update: { ...details, ...seen, epoch: { increment: 1 } },
    });
  }

  /** Returns false when a newer session has taken over. */
  async markSeen({ agentId, epoch }: SessionKey): Promise<boolean> {
    const count = await this.prisma.$executeRaw`
      UPDATE "Agent" SET "connected" = true, "lastSeenAt" = millrace_now()
      WHERE "id" = ${agentId} AND "epoch" = ${epoch}`;
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

  /** Must run in the transaction that stores the batch, so that both are stored or neither is. */
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
    // Postgres refuses NUL in text, and no id contains one.
    const row = id.includes('\0')
      ? null
      : await this.prisma.agent.findUnique({ where: { id }, include: { lease: true } });
    return row === null ? null : this.present(row, await this.time.now());
  }

  /** At most `count` agents whose id is greater than `after`, by id. */
  async list(count: number, after?: string): Promise<AgentWithLease[]> {
    const rows = await this.prisma.agent.findMany({
      ...(after === undefined ? {} : { where: { id: { gt: after } } }),
      orderBy: { id: 'asc' },
      take: count,
      include: { lease: true },
    });
    const now = await this.time.now();
    return rows.map((row) => this.present(row, now));
  }

  async all(reader: Transaction = this.prisma): Promise<AgentWithLease[]> {
    const rows = await reader.agent.findMany({
      include: { lease: true },
      orderBy: [{ host: 'asc' }, { device: 'asc' }, { id: 'asc' }],
    });
    const now = await this.time.now(reader);
    return rows.map((row) => this.present(row, now));
  }

  /** The devices of every agent that ever registered. */
  async devices(reader: Transaction = this.prisma): Promise<OwnedDevice[]> {
    return reader.agent.findMany({ select: { id: true, host: true, version: true, connected: true, adapter: true } });
  }

  private present(row: Agent & { lease: Lease | null }, now: Date): AgentWithLease {
    const { setAsideUntil: until, setAsideReason: reason, lease } = row;
    return {
      ...row,
      lease: lease && isOfAttempt(lease) ? lease : null,
      generation: lease?.generationId ? generationLease(lease.generationId, lease) : null,
      readAt: now,
      isHere: row.connected && now.getTime() - row.lastSeenAt.getTime() < this.config.leaseMs,
      setAside: until !== null && until > now ? { until, reason: reason ?? 'it caused failures' } : null,
    };
  }

  /** Whether all of them are connected, and none is draining or set aside. They stay so until the transaction ends. */
  async allUsable(tx: Transaction, ids: readonly string[]): Promise<boolean> {
    const rows = await tx.$queryRaw<{ id: string }[]>`
      SELECT "id" FROM "Agent" WHERE "id" = ANY(${[...ids]}::text[]) AND "connected" AND NOT "draining"
        AND ("setAsideUntil" IS NULL OR "setAsideUntil" <= millrace_now()) FOR SHARE`;
    return rows.length === ids.length;
  }

  /**
   * Sets the agent aside if that many failures were blamed on it since it was last set aside or taken back.
   * @returns until when, if it was set aside by this call
   */
  async setAside(tx: Transaction, id: string, rule: SetAsideRule): Promise<Date | undefined> {
    const { failuresMax, windowMs, asideMs, classes, reason } = rule;
    const rows = await tx.$queryRaw<{ until: Date }[]>`
      UPDATE "Agent" SET "setAsideReason" = ${reason},
        "setAsideUntil" = millrace_now() + ${asideMs}::float8 * interval '1 millisecond'
      WHERE "id" = ${id} AND COALESCE("setAsideUntil" <= millrace_now(), true) AND ${failuresMax} <= (
        SELECT count(*) FROM "Attempt" a
        WHERE a."finishedAt" > millrace_now() - ${windowMs}::float8 * interval '1 millisecond'
          AND COALESCE(a."finishedAt" > "Agent"."setAsideUntil", true)
          AND a."failure" #>> '{culprit,agent}' = ${id} AND a."failure" ->> 'class' = ANY(${[...classes]}::text[]))
      RETURNING "setAsideUntil" AS "until"`;
    return rows[0]?.until;
  }

  /**
   * Ends the time for which the agent is set aside; its failures until now do not count any more. Returns false when it
   * is not set aside.
   */
  async takeBack(tx: Transaction, id: string): Promise<boolean> {
    const count = await tx.$executeRaw`
      UPDATE "Agent" SET "setAsideUntil" = millrace_now() WHERE "id" = ${id} AND "setAsideUntil" > millrace_now()`;
    return count === 1;
  }

  /** Returns false when it was so already, or when there is no such agent. */
  async setDraining(tx: Transaction, id: string, draining: boolean): Promise<boolean> {
    const { count } = await tx.agent.updateMany({ where: { id, draining: !draining }, data: { draining } });
    return count === 1;
  }
}

function generationLease(id: string, { rank, expiresAt }: Lease): GenerationLease {
  return { id, rank, expiresAt };
}
