import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { Prisma } from '../../generated/prisma/client';
import { LIVE_ATTEMPT_STATES } from '../runs/attempt-record';

/**
 * The owner of a hold: an attempt of a run or, with fence 0, the checkpoint that an import becomes or what an agent
 * reads for a generation.
 */
export interface HoldOwner {
  readonly owner: string;
  readonly fence: number;
  /** The step of the run's checkpoint; 0 if it is not given. */
  readonly step?: number;
}

/**
 * Of the row "Attempt": it lives, or it ended at most `ageMs` ago, so that its last parts of a checkpoint may still be
 * on their way.
 */
export function mayStillStore(ageMs: number): Prisma.Sql {
  return Prisma.sql`("Attempt"."state" = ANY(${[...LIVE_ATTEMPT_STATES]}::text[])
    OR "Attempt"."finishedAt" >= millrace_now() - ${ageMs}::float8 * interval '1 millisecond')`;
}

/**
 * Decides whether a block may be deleted. An upload holds its block before it checks whether the block exists. The
 * collector deletes a block only under the block's lock, and after looking for holds. Thus a block that an upload has
 * found is never deleted afterwards.
 */
@Injectable()
export class BlockHoldsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Keeps blocks that no checkpoint references (yet) for `forMs`. Returns false, and keeps none, if the checkpoint that
   * they belong to was given up.
   */
  async hold({ owner, fence, step = 0 }: HoldOwner, hashes: readonly string[], forMs: number): Promise<boolean> {
    const distinct = [...new Set(hashes)];
    // Locks are taken in one order, so that two holders never wait for each other. It is one statement, because every
    // block of a checkpoint comes through here.
    const heldCount = await this.prisma.$executeRaw`
      INSERT INTO "BlockHold" ("sha256", "until", "owner", "fence", "step")
      SELECT locked."sha256", millrace_now() + ${forMs}::float8 * interval '1 millisecond', ${owner}, ${fence}, ${step}
      FROM (
        SELECT sorted."sha256", pg_advisory_xact_lock(hashtextextended(sorted."sha256", 0))
        FROM (
          SELECT * FROM unnest(${distinct}::text[]) AS given("sha256") ORDER BY "sha256"
        ) AS sorted
      ) AS locked
      WHERE NOT EXISTS (SELECT 1 FROM "Checkpoint" c WHERE c."runId" = ${owner} AND c."step" = ${step}
        AND c."fence" = ${fence} AND c."state" = 'given-up')
      ON CONFLICT ("sha256", "owner", "fence", "step")
        DO UPDATE SET "until" = GREATEST("BlockHold"."until", excluded."until")`;
    return heldCount === distinct.length;
  }

  /**
   * Called in the transaction that makes a checkpoint reference the blocks: from then on the reference keeps them. The
   * holds of other owners stay.
   */
  async release(tx: Transaction, { owner, fence, step = 0 }: HoldOwner, hashes: readonly string[]): Promise<void> {
    await tx.blockHold.deleteMany({ where: { owner, fence, step, sha256: { in: [...hashes] } } });
  }

  /** The same for all blocks that a run's checkpoint references by now. */
  async releaseReferenced(tx: Transaction, { owner, fence, step = 0 }: HoldOwner): Promise<void> {
    // Agents of older versions do not tell the step.
    await tx.$executeRaw`
      DELETE FROM "BlockHold" h USING "CheckpointBlock" b JOIN "Checkpoint" c ON c."id" = b."checkpointId"
      WHERE c."runId" = ${owner} AND c."fence" = ${fence} AND c."step" = ${step} AND h."sha256" = b."sha256"
        AND h."owner" = ${owner} AND h."fence" = ${fence} AND h."step" IN (${step}, 0)`;
  }

  /** Releases everything that is held for one checkpoint, or by an owner without steps. */
  async releaseStep(tx: Transaction | undefined, { owner, fence, step = 0 }: HoldOwner): Promise<void> {
    await (tx ?? this.prisma).$executeRaw`
      WITH gone AS (
        DELETE FROM "BlockHold" WHERE "owner" = ${owner} AND "fence" = ${fence} AND "step" = ${step}
        RETURNING "sha256"
      )
      INSERT INTO "FreedBlock" ("sha256") SELECT DISTINCT "sha256" FROM gone`;
  }

  /** Until the transaction ends, nobody else can hold or collect this block. */
  async lock(tx: Transaction, sha256: string): Promise<void> {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${sha256}, 0))`;
  }

  /** Those of `hashes` that nothing keeps: no checkpoint, durable or being written, and no hold. */
  async unused(reader: Transaction | undefined, hashes: readonly string[]): Promise<string[]> {
    const rows = await (reader ?? this.prisma).$queryRaw<{ sha256: string }[]>`
      SELECT given."sha256" FROM unnest(${[...hashes]}::text[]) AS given("sha256")
      WHERE NOT EXISTS (SELECT 1 FROM "CheckpointBlock" b WHERE b."sha256" = given."sha256")
        AND NOT EXISTS (SELECT 1 FROM "BlockHold" h WHERE h."sha256" = given."sha256" AND h."until" > millrace_now())`;
    return rows.map(({ sha256 }) => sha256);
  }

  /**
   * Deletes holds that have run out, and those of attempts that can report nothing any more: their fence is old, they
   * have been over for `ageMs`, or their run was removed.
   */
  async deleteExpired(ageMs: number): Promise<void> {
    await this.prisma.$executeRaw`
      WITH gone AS (
        DELETE FROM "BlockHold" h WHERE h."until" <= millrace_now()
          OR (h."fence" > 0 AND NOT EXISTS (SELECT 1 FROM "Run" r
            JOIN "Attempt" ON "Attempt"."runId" = r."id" AND "Attempt"."fence" = r."fence"
            WHERE r."id" = h."owner" AND r."fence" = h."fence" AND ${mayStillStore(ageMs)}))
        RETURNING h."sha256"
      )
      INSERT INTO "FreedBlock" ("sha256") SELECT DISTINCT "sha256" FROM gone`;
  }
}
