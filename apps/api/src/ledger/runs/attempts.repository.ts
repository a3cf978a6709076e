import { Injectable } from '@nestjs/common';
import { type Failure, startDeadlineMs } from '@millrace/contracts';
import type { Recompute } from '@millrace/core';
import { heldMemoryBytes } from '@millrace/scheduler';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { type Attempt, Prisma } from '../../generated/prisma/client';
import type { RankCredential } from '../../ground/tls/gang-credentials';
import type { FencedRun, LeaseRecord } from './leases.repository';
import type { MemoryLimits } from './plan-basis';
import {
  type AttemptComparison,
  type AttemptRecord,
  type AttemptState,
  type AttemptStatus,
  type BoundaryRequest,
  isLive,
  LIVE_ATTEMPT_STATES,
  type RankStatus,
  type RankStatuses,
  type StoredPlan,
} from './attempt-record';

export interface NewAttempt {
  readonly id: string;
  readonly runId: string;
  readonly fence: number;
  readonly plan: StoredPlan;
  readonly dataKey: string;
  readonly ranks: RankStatuses;
  /** The credentials by rank; empty if no link leaves this machine. */
  readonly credentials: readonly RankCredential[];
}

export interface AttemptChanges {
  readonly state?: AttemptState;
  readonly failure?: Failure;
  readonly ranks?: RankStatuses;
  readonly boundary?: BoundaryRequest;
  readonly comparison?: AttemptComparison;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
}

export type ListedAttempt = Pick<AttemptRecord, 'id' | 'runId' | 'fence' | 'state' | 'failure'>;

/**
 * Rows of attempts, and the credentials that their ranks have not been sent yet. Whoever changes an attempt holds the
 * lock of its run.
 */
@Injectable()
export class AttemptsRepository {
  constructor(
    private readonly prisma: PrismaService,
    private readonly time: DatabaseClock,
  ) {}

  async create(tx: Transaction, { plan, ranks, credentials, ...attempt }: NewAttempt): Promise<void> {
    await tx.attempt.create({
      data: { ...attempt, state: 'scheduled', plan: json(plan), ranks: json(ranks), fromStep: plan.firstStep },
    });
    const { runId, fence } = attempt;
    const rows = credentials.map((credential, rank) => ({ runId, fence, rank, ...credential }));
    if (rows.length > 0) await tx.rankCredential.createMany({ data: rows });
  }

  /** Null if no link leaves this machine, and once the rank has accepted its start. */
  async credential({ runId, fence, rank }: Omit<LeaseRecord, 'agentId'>): Promise<RankCredential | null> {
    return this.prisma.rankCredential.findUnique({
      where: { runId_fence_rank: { runId, fence, rank } },
      select: { authority: true, certificate: true, privateKey: true },
    });
  }

  async find(reader: Transaction | undefined, { runId, fence }: FencedRun): Promise<AttemptRecord | null> {
    const row = await (reader ?? this.prisma).attempt.findUnique({ where: { runId_fence: { runId, fence } } });
    return row && toRecord(row);
  }

  /** The attempts of the given (run, fence) pairs, without their plans. */
  async statuses(pairs: readonly { readonly runId: string; readonly fence: number }[]): Promise<AttemptStatus[]> {
    if (pairs.length === 0) return [];
    const where = { OR: pairs.map(({ runId, fence }) => ({ runId, fence })) };
    const rows = await this.prisma.attempt.findMany({ where, omit: { plan: true, dataKey: true } });
    return rows.map(toStatus);
  }

  /** The attempts of one run or several, oldest first. */
  async ofRuns(runIds: readonly string[], reader: Transaction = this.prisma): Promise<AttemptRecord[]> {
    const rows = await reader.attempt.findMany({ where: { runId: { in: [...runIds] } }, orderBy: { fence: 'asc' } });
    return rows.map(toRecord);
  }

  /** What lists show of attempts, oldest first. Plans and comparisons are long, and are not read. */
  async listed(runIds: readonly string[]): Promise<ListedAttempt[]> {
    const rows = await this.prisma.attempt.findMany({
      where: { runId: { in: [...runIds] } },
      orderBy: { fence: 'asc' },
      select: { id: true, runId: true, fence: true, state: true, failure: true },
    });
    return rows.map(({ state, failure, ...row }) => ({
      ...row,
      state: state as AttemptState,
      failure: failure as unknown as Failure | null,
    }));
  }

  async newest(reader: Transaction, runId: string): Promise<AttemptRecord | null> {
    const row = await reader.attempt.findFirst({ where: { runId }, orderBy: { fence: 'desc' } });
    return row && toRecord(row);
  }

  /**
   * For each run, how much its devices did not hold in the attempts that ran out of memory; runs without such an
   * attempt are left out.
   */
  async memoryLimits(runIds: readonly string[]): Promise<Map<string, MemoryLimits>> {
    if (runIds.length === 0) return new Map();
    const rows = await this.prisma.$queryRaw<{ runId: string; agent: string; bytes: number }[]>`
      SELECT "runId", "culprit" ->> 'agent' AS "agent", min("bytes")::float8 AS "bytes" FROM "Attempt",
        LATERAL (SELECT "failure" -> 'culprit') AS "blamed"("culprit"),
        LATERAL (SELECT ("plan" #> '{predicted,rankBytes}' ->> ("culprit" ->> 'rank')::int)::float8) AS "given"("bytes")
      WHERE "runId" = ANY(${[...runIds]}::text[]) AND "failure" ->> 'class' = 'out_of_memory' AND "bytes" IS NOT NULL
      GROUP BY 1, 2`;
    const limits = new Map<string, Map<string, number>>();
    for (const { runId, agent, bytes } of rows) {
      const ofRun = limits.get(runId) ?? new Map<string, number>();
      limits.set(runId, ofRun.set(agent, heldMemoryBytes(bytes)));
    }
    return limits;
  }

  /** What the attempts of a run showed about its layers, oldest first, and under which setting. */
  async learned(runId: string): Promise<{ recompute: Recompute; layers: AttemptComparison['corrected'] }[]> {
    return this.prisma.$queryRaw`
      SELECT "plan" #>> '{spec,parallel,recompute}' AS "recompute", "comparison" -> 'corrected' AS "layers"
      FROM "Attempt" WHERE "runId" = ${runId} AND "comparison" IS NOT NULL ORDER BY "fence"`;
  }

  /** The comparisons of a run's attempts, as far as there are any, oldest first. */
  async comparisons(runId: string, reader: Transaction = this.prisma): Promise<AttemptComparison[]> {
    const rows = await reader.attempt.findMany({
      where: { runId, comparison: { not: Prisma.DbNull } },
      orderBy: { fence: 'asc' },
      select: { comparison: true },
    });
    return rows.map(({ comparison }) => comparison as unknown as AttemptComparison);
  }

  /** The runs whose live attempts resumed from one of the checkpoints. */
  async resumedFrom(reader: Transaction, checkpointIds: readonly string[]): Promise<string[]> {
    if (checkpointIds.length === 0) return [];
    const rows = await reader.attempt.findMany({
      where: {
        state: { in: [...LIVE_ATTEMPT_STATES] },
        OR: checkpointIds.map((id) => ({ plan: { path: ['resumeCheckpointId'], equals: id } })),
      },
      select: { plan: true },
    });
    return rows.map(({ plan }) => (plan as unknown as StoredPlan).resumeCheckpointId).filter((id) => id !== null);
  }

  /** The time by DatabaseClock in milliseconds since 1970, as `phaseSinceMs` has it. */
  async nowMs(reader?: Transaction): Promise<number> {
    return (await this.time.now(reader)).getTime();
  }

  /** Live attempts that were placed longer ago than they may take to start; each has a lease. */
  async startedLate(): Promise<FencedRun[]> {
    const [live, starting] = [[...LIVE_ATTEMPT_STATES], ['pending', 'accepted', 'starting', 'ready']];
    return this.prisma.$queryRaw<FencedRun[]>`
      SELECT DISTINCT "Attempt"."runId", "Attempt"."fence" FROM "Lease"
      JOIN "Attempt" ON "Attempt"."runId" = "Lease"."runId" AND "Attempt"."fence" = "Lease"."fence"
      WHERE "Attempt"."state" = ANY(${live}::text[])
        AND "Attempt"."createdAt" + interval '1 millisecond'
          * COALESCE(("Attempt"."plan"->>'startDeadlineMs')::float8, ${startDeadlineMs()}::float8) <= millrace_now()
        AND EXISTS (SELECT FROM jsonb_each("Attempt"."ranks") AS "rank"
          WHERE "rank".value->>'state' = ANY(${starting}::text[]))`;
  }

  /** The rank has accepted its start, which is never sent again: nobody else needs its private key. */
  async accept(tx: Transaction, attempt: AttemptRecord, rank: number): Promise<void> {
    const status = attempt.ranks[rank];
    if (status?.state !== 'pending') return;
    const phaseSinceMs = await this.nowMs(tx);
    const accepted: RankStatus = { ...status, state: 'accepted', phase: 'accepted', phaseSinceMs };
    await this.update(tx, attempt, { ranks: { ...attempt.ranks, [rank]: accepted } });
    const { runId, fence } = attempt;
    await tx.rankCredential.deleteMany({ where: { runId, fence, rank } });
  }

  async update(tx: Transaction, attempt: AttemptRecord, changes: AttemptChanges): Promise<void> {
    const { failure, ranks, boundary, comparison, ...plain } = changes;
    const isOver = plain.state !== undefined && !isLive(plain.state);
    await tx.attempt.update({
      where: { id: attempt.id },
      data: {
        ...plain,
        // When the attempt is over, its secrets are deleted.
        ...(isOver ? { dataKey: '', credentials: { deleteMany: {} } } : {}),
        ...(failure === undefined ? {} : { failure: json(failure) }),
        ...(ranks === undefined ? {} : { ranks: json(ranks) }),
        ...(boundary === undefined ? {} : { boundary: json(boundary) }),
        ...(comparison === undefined ? {} : { comparison: json(comparison) }),
      },
    });
  }
}

function json(document: object): Prisma.InputJsonObject {
  return document;
}

function toStatus(row: Omit<Attempt, 'plan' | 'dataKey'>): AttemptStatus {
  return {
    ...row,
    state: row.state as AttemptState,
    failure: row.failure as unknown as Failure | null,
    ranks: row.ranks as unknown as RankStatuses,
    boundary: row.boundary as unknown as BoundaryRequest | null,
    comparison: row.comparison as unknown as AttemptComparison | null,
  };
}

function toRecord(row: Attempt): AttemptRecord {
  return { ...toStatus(row), plan: row.plan as unknown as StoredPlan, dataKey: row.dataKey };
}
