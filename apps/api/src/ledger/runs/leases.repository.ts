import { Injectable } from '@nestjs/common';
import { GPU_THREAD_SILENT_MS_MAX } from '@millrace/contracts';
import { GENERATION_FENCE } from '@millrace/core';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { type Lease, Prisma } from '../../generated/prisma/client';
import { LIVE_ATTEMPT_STATES } from './attempt-record';

export interface LeaseRecord {
  readonly agentId: string;
  readonly runId: string;
  readonly fence: number;
  readonly rank: number;
}

export interface FencedRun {
  readonly runId: string;
  readonly fence: number;
}

/** An attempt that an agent says it runs, and how long the thread that owns its device has said nothing. */
export interface ClaimedRun extends FencedRun {
  readonly threadSilentMs: number;
}

/** The form in which it is stored. */
export interface AttemptLease extends Lease {
  readonly runId: string;
}

/** Which devices a generation uses; index = rank. */
export interface GenerationClaim {
  readonly generationId: string;
  readonly agentIds: readonly string[];
}

/** A lease that has run out. */
export interface ExpiredLease extends LeaseRecord {
  readonly threadSilentMs: number;
}

/**
 * Rows of leases. The agent is the key, so that no device is ever in two gangs. A lease is held by an attempt or by a
 * generation, and attempts have precedence: one takes over the device of a generation, which then gets its turns
 * between two steps, like a generation that came while the attempt was training. Their times are set and compared by
 * the database's clock, `millrace_now()`, and by no other, so that replicas of the API need not agree on the time.
 */
@Injectable()
export class LeasesRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Returns false when an attempt already has a lease on one of the agents, after which the caller must roll its
   * transaction back. Rows are inserted in the order of the agents, so that two gangs that want the same devices wait
   * for each other in one direction only.
   */
  async grant(tx: Transaction, leases: readonly LeaseRecord[], leaseMs: number): Promise<boolean> {
    const sorted = leases.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
    const count = await tx.$executeRaw`
      INSERT INTO "Lease" ("agentId", "runId", "fence", "rank", "expiresAt")
      SELECT "agentId", "runId", "fence", "rank", millrace_now() + ${leaseMs}::float8 * interval '1 millisecond'
      FROM unnest(${sorted.map(({ agentId }) => agentId)}::text[], ${sorted.map(({ runId }) => runId)}::text[],
        ${sorted.map(({ fence }) => fence)}::int[], ${sorted.map(({ rank }) => rank)}::int[])
        AS granted ("agentId", "runId", "fence", "rank")
      ON CONFLICT ("agentId") DO UPDATE SET "runId" = excluded."runId", "generationId" = NULL,
        "fence" = excluded."fence", "rank" = excluded."rank", "expiresAt" = excluded."expiresAt", "threadSilentMs" = 0
        WHERE "Lease"."generationId" IS NOT NULL`;
    return count === leases.length;
  }

  /**
   * Renews the agent's leases on what it says it runs. The lease of an attempt that is over is left to run out, so that
   * an agent which never confirms that it stopped frees its device nevertheless. The same holds for an agent whose GPU
   * thread hangs in its driver: that the rest of the agent is alive says nothing about the attempt.
   */
  async renew(agentId: string, running: readonly ClaimedRun[], leaseMs: number): Promise<void> {
    if (running.length === 0) return;
    const live = [...LIVE_ATTEMPT_STATES];
    await this.prisma.$executeRaw`
      UPDATE "Lease" SET "threadSilentMs" = running."silentMs",
        "expiresAt" = CASE WHEN running."silentMs" < ${GPU_THREAD_SILENT_MS_MAX}::float8
          THEN millrace_now() + ${leaseMs}::float8 * interval '1 millisecond' ELSE "Lease"."expiresAt" END
      FROM "Attempt", unnest(${running.map(({ runId }) => runId)}::text[], ${running.map(({ fence }) => fence)}::int[],
        ${running.map(({ threadSilentMs }) => threadSilentMs)}::float8[]) AS running ("runId", "fence", "silentMs")
      WHERE "Attempt"."runId" = "Lease"."runId" AND "Attempt"."fence" = "Lease"."fence"
        AND "Attempt"."state" = ANY(${live}::text[]) AND "Lease"."agentId" = ${agentId}
        AND "Lease"."runId" = running."runId" AND "Lease"."fence" = running."fence"`;
  }

  /** Restarts the term of all replicas, because one of them may have missed renewals until now. */
  async restartTerm(): Promise<void> {
    await this.prisma.$executeRaw`
      INSERT INTO "LeaseTerm" ("id", "startedAt") VALUES (1, millrace_now())
      ON CONFLICT ("id") DO UPDATE SET "startedAt" = excluded."startedAt"`;
  }

  /** Leases of attempts that are over, oldest first; none for one lease's time after a restart of the term. */
  async expired(leaseMs: number): Promise<ExpiredLease[]> {
    return this.prisma.$queryRaw<ExpiredLease[]>`
      SELECT "agentId", "runId", "fence", "rank", "threadSilentMs" FROM "Lease"
      WHERE "runId" IS NOT NULL AND ${hasRunOut(leaseMs)}
      ORDER BY "expiresAt"`;
  }

  /**
   * Locks the lease if it is still over: a renewal may have come since it was read. The caller holds the run's lock.
   */
  async lockExpired(tx: Transaction, { agentId, runId, fence }: Omit<LeaseRecord, 'rank'>): Promise<boolean> {
    const rows = await tx.$queryRaw<{ agentId: string }[]>`
      SELECT "agentId" FROM "Lease"
      WHERE "agentId" = ${agentId} AND "runId" = ${runId} AND "fence" = ${fence} AND "expiresAt" <= millrace_now()
      FOR UPDATE`;
    return rows.length === 1;
  }

  /** For an attempt that is over: gives its agent another term to stop, in which nobody else gets the device. */
  async prolong(tx: Transaction, { agentId, runId, fence }: Omit<LeaseRecord, 'rank'>, leaseMs: number): Promise<void> {
    await tx.$executeRaw`
      UPDATE "Lease" SET "expiresAt" = millrace_now() + ${leaseMs}::float8 * interval '1 millisecond'
      WHERE "agentId" = ${agentId} AND "runId" = ${runId} AND "fence" = ${fence}`;
  }

  /** The leases that attempts hold. */
  async ofAgents(agentIds: readonly string[]): Promise<AttemptLease[]> {
    return (await this.prisma.lease.findMany({ where: { agentId: { in: [...agentIds] } } })).filter(isOfAttempt);
  }

  async ofRun(tx: Transaction, runId: string): Promise<AttemptLease[]> {
    return (await tx.lease.findMany({ where: { runId }, orderBy: { rank: 'asc' } })).filter(isOfAttempt);
  }

  async release(tx: Transaction, agentId: string, { runId, fence }: FencedRun): Promise<boolean> {
    const { count } = await tx.lease.deleteMany({ where: { agentId, runId, fence } });
    return count === 1;
  }

  async releaseAll(tx: Transaction, { runId, fence }: FencedRun): Promise<void> {
    await tx.lease.deleteMany({ where: { runId, fence } });
  }

  /**
   * Takes the devices that nobody holds, and renews what the generation has already; those of attempts are left to
   * them. An agent that was not heard of for a lease is given nothing, so that what it has runs out.
   * @returns agents that another generation holds
   */
  async claim({ generationId, agentIds }: GenerationClaim, leaseMs: number): Promise<string[]> {
    // Rows are inserted in the order of the agents, as those of attempts are.
    const sorted = agentIds.map((agentId, rank) => ({ agentId, rank }));
    sorted.sort((a, b) => (a.agentId < b.agentId ? -1 : 1));
    await this.prisma.$executeRaw`
      INSERT INTO "Lease" ("agentId", "generationId", "fence", "rank", "expiresAt")
      SELECT "Agent"."id", ${generationId}, ${GENERATION_FENCE}::int, claimed."rank",
        millrace_now() + ${leaseMs}::float8 * interval '1 millisecond'
      FROM unnest(${sorted.map(({ agentId }) => agentId)}::text[], ${sorted.map(({ rank }) => rank)}::int[])
        WITH ORDINALITY AS claimed ("agentId", "rank", "place")
      JOIN "Agent" ON "Agent"."id" = claimed."agentId" AND "Agent"."connected"
        AND "Agent"."lastSeenAt" > millrace_now() - ${leaseMs}::float8 * interval '1 millisecond'
      ORDER BY claimed."place"
      ON CONFLICT ("agentId") DO UPDATE SET "expiresAt" = excluded."expiresAt"
        WHERE "Lease"."generationId" = excluded."generationId"`;
    const others = await this.prisma.lease.findMany({
      where: { agentId: { in: [...agentIds] }, generationId: { not: null }, NOT: { generationId } },
      orderBy: { agentId: 'asc' },
    });
    return others.map(({ agentId }) => agentId);
  }

  async releaseGeneration(generationId: string): Promise<void> {
    await this.prisma.lease.deleteMany({ where: { generationId } });
  }

  /**
   * Deletes leases of generations that have run out; none for one lease's time after a restart of the term. @returns
   * how many
   */
  async releaseExpiredGenerations(leaseMs: number): Promise<number> {
    return this.prisma.$executeRaw`
      DELETE FROM "Lease"
      WHERE "generationId" IS NOT NULL AND ${hasRunOut(leaseMs)}`;
  }
}

/** Of a row of "Lease"; none has run out for one lease's time after a restart of the term. */
function hasRunOut(leaseMs: number): Prisma.Sql {
  return Prisma.sql`"expiresAt" <= millrace_now() AND NOT EXISTS (SELECT 1 FROM "LeaseTerm"
    WHERE "startedAt" > millrace_now() - ${leaseMs}::float8 * interval '1 millisecond')`;
}

export function isOfAttempt(lease: Lease): lease is AttemptLease {
  return lease.runId !== null;
}
