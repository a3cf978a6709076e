import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import type { Lease } from '../../generated/prisma/client';
import { LIVE_ATTEMPT_STATES } from './attempt-record';

export interface LeaseRecord {
  readonly agentId: string;
  readonly runId: string;
  readonly fence: number;
  readonly rank: number;
  readonly expiresAt: Date;
}

export interface FencedRun {
  readonly runId: string;
  readonly fence: number;
}

/** Rows of leases: the agent is the key, so that no device is ever in two gangs. */
@Injectable()
export class LeasesRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** False when one of the agents has a lease already: the caller's transaction must then be rolled back. */
  async grant(tx: Transaction, leases: readonly LeaseRecord[]): Promise<boolean> {
    const { count } = await tx.lease.createMany({ data: [...leases], skipDuplicates: true });
    return count === leases.length;
  }

  /**
   * Renews the agent's leases of what it says it runs. One of an attempt that is over is left to run out, so that an
   * agent which never confirms that it stopped frees its device all the same.
   */
  async renew(agentId: string, running: readonly FencedRun[], expiresAt: Date): Promise<void> {
    const live = [...LIVE_ATTEMPT_STATES];
    for (const { runId, fence } of running) {
      await this.prisma.$executeRaw`
        UPDATE "Lease" SET "expiresAt" = ${expiresAt}
        FROM "Attempt" WHERE "Attempt"."runId" = "Lease"."runId" AND "Attempt"."fence" = "Lease"."fence"
          AND "Attempt"."state" = ANY(${live}::text[])
          AND "Lease"."agentId" = ${agentId} AND "Lease"."runId" = ${runId} AND "Lease"."fence" = ${fence}`;
    }
  }

  async all(): Promise<Lease[]> {
    return this.prisma.lease.findMany({ orderBy: { expiresAt: 'asc' } });
  }

  /** Under the run's lock: a renewal may have come since it was read. */
  async lockExpired(
    tx: Transaction,
    { agentId, fence }: Pick<LeaseRecord, 'agentId' | 'fence'>,
    now: Date,
  ): Promise<boolean> {
    const rows = await tx.$queryRaw<{ agentId: string }[]>`
      SELECT "agentId" FROM "Lease" WHERE "agentId" = ${agentId} AND "fence" = ${fence} AND "expiresAt" < ${now} FOR UPDATE`;
    return rows.length === 1;
  }

  async ofAgents(agentIds: readonly string[]): Promise<Lease[]> {
    return this.prisma.lease.findMany({ where: { agentId: { in: [...agentIds] } } });
  }

  async ofRun(tx: Transaction, runId: string): Promise<Lease[]> {
    return tx.lease.findMany({ where: { runId }, orderBy: { rank: 'asc' } });
  }

  async release(tx: Transaction, agentId: string, { runId, fence }: FencedRun): Promise<boolean> {
    const { count } = await tx.lease.deleteMany({ where: { agentId, runId, fence } });
    return count === 1;
  }

  async releaseAll(tx: Transaction, { runId, fence }: FencedRun): Promise<void> {
    await tx.lease.deleteMany({ where: { runId, fence } });
  }
}
