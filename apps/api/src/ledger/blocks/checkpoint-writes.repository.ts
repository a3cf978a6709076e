import { Injectable } from '@nestjs/common';
import type { ManifestDocument } from '@millrace/contracts';
import { newId } from '@millrace/core';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import type { Checkpoint } from '../../generated/prisma/client';
import { BlockHoldsRepository, mayStillStore } from './block-holds.repository';

export interface DurableCheckpoint {
  readonly id: string;
  readonly runId: string | null;
  readonly step: number;
  readonly manifest: ManifestDocument;
}

/** What makes a checkpoint durable. */
export interface Publication {
  readonly id: string;
  readonly manifestJson: string;
  readonly bytes: number;
}

export interface PartKey {
  readonly runId: string;
  readonly step: number;
  readonly fence: number;
}

export interface RankPart {
  readonly rank: number;
  /** JSON that was checked. It is not parsed here: it may be long, and nobody here looks into it. */
  readonly partJson: string;
}

export interface WritingCheckpoint {
  readonly id: string;
  readonly durable: boolean;
  /** One of the ranks could not store its part, so that the checkpoint never becomes durable. */
  readonly givenUp: boolean;
  /** The ranks whose parts are stored, written as decimal text. */
  readonly ranks: readonly string[];
}

/**
 * Checkpoints while they are written, and the change that makes one durable. Whoever changes one holds its run's lock.
 */
@Injectable()
export class CheckpointWritesRepository {
  constructor(
    private readonly prisma: PrismaService,
    private readonly holds: BlockHoldsRepository,
  ) {}

  async isDurable(reader: Transaction, runId: string, step: number): Promise<boolean> {
    return (await reader.checkpoint.count({ where: { runId, step, state: 'durable' } })) > 0;
  }

  /** The run's newest durable checkpoint; with `below`, the newest one of an earlier step. */
  async newestDurable(reader: Transaction, runId: string, below?: number): Promise<DurableCheckpoint | null> {
    const row = await reader.checkpoint.findFirst({
      where: { runId, state: 'durable', ...(below === undefined ? {} : { step: { lt: below } }) },
      orderBy: [{ step: 'desc' }, { fence: 'desc' }],
    });
    return row && toDurable(row);
  }

  /** Keeps a durable checkpoint from being deleted until the transaction ends; returns false when there is none. */
  async keep(tx: Transaction, id: string): Promise<boolean> {
    const rows = await tx.$queryRaw<
      unknown[]
    >`SELECT 1 AS "one" FROM "Checkpoint" WHERE "id" = ${id} AND "state" = 'durable' FOR SHARE`;
    return rows.length === 1;
  }

  /** Waits for all who keep one of these checkpoints, and keeps others from doing so until the transaction ends. */
  async lockForDeletion(tx: Transaction, ids: readonly string[]): Promise<void> {
    await tx.$queryRaw`SELECT "id" FROM "Checkpoint" WHERE "id" = ANY(${[...ids]}::text[]) ORDER BY "id" FOR UPDATE`;
  }

  async findDurable(id: string, reader: Transaction = this.prisma): Promise<DurableCheckpoint | null> {
    const row = await reader.checkpoint.findFirst({ where: { id, state: 'durable' } });
    return row && toDurable(row);
  }

  /** The run's durable checkpoints, newest first. */
  async durableOf(reader: Transaction, runId: string): Promise<{ id: string; step: number }[]> {
    return reader.checkpoint.findMany({
      where: { runId, state: 'durable' },
      orderBy: [{ step: 'desc' }, { fence: 'desc' }],
      select: { id: true, step: true },
    });
  }

  async findWriting(
    reader: Transaction | undefined,
    { runId, step, fence }: PartKey,
  ): Promise<WritingCheckpoint | null> {
    const [row] = await (reader ?? this.prisma).$queryRaw<WritingCheckpoint[]>`
      SELECT "id", "state" = 'durable' AS "durable", "state" = 'given-up' AS "givenUp",
        array(SELECT jsonb_object_keys("parts")) AS "ranks"
      FROM "Checkpoint" WHERE "runId" = ${runId} AND "step" = ${step} AND "fence" = ${fence}`;
    return row ?? null;
  }

  /** The parts of all ranks as a JSON object by rank; undefined when the checkpoint is not being written. */
  async partsJson(id: string): Promise<string | undefined> {
    const [row] = await this.prisma.$queryRaw<{ parts: string }[]>`
      SELECT "parts"::text AS "parts" FROM "Checkpoint" WHERE "id" = ${id} AND "state" = 'writing'`;
    return row?.parts;
  }

  /** Adds a rank's part. From then on its blocks are referenced, which keeps them in place of the attempt's holds. */
  async storePart(tx: Transaction, key: PartKey, { rank, partJson }: RankPart): Promise<void> {
    const { runId, step, fence } = key;
    await tx.$executeRaw`
      WITH given AS (SELECT ${partJson}::jsonb AS "part"),
      stored AS (
        INSERT INTO "Checkpoint" ("id", "runId", "step", "fence", "state", "parts")
        SELECT ${newId('ckpt')}, ${runId}, ${step}, ${fence}, 'writing',
          jsonb_build_object(${String(rank)}::text, "part")
        FROM given
        ON CONFLICT ("runId", "step", "fence") DO UPDATE SET "parts" = "Checkpoint"."parts" || excluded."parts"
        RETURNING "id"
      )
      INSERT INTO "CheckpointBlock" ("checkpointId", "sha256")
      SELECT DISTINCT stored."id", block ->> 'sha256'
      FROM stored, given, jsonb_array_elements("part" -> 'tensors') AS tensor,
        jsonb_array_elements(tensor -> 'blocks') AS block
      ON CONFLICT DO NOTHING`;
    await this.holds.releaseReferenced(tx, { owner: runId, fence, step });
  }

  /** Makes the checkpoint visible. Returns false when it was visible already. */
  async publish(tx: Transaction, { id, manifestJson, bytes }: Publication): Promise<boolean> {
    const count = await tx.$executeRaw`
      UPDATE "Checkpoint" SET "state" = 'durable', "manifest" = ${manifestJson}::jsonb, "bytes" = ${bytes}::bigint,
        "parts" = '{}', "createdAt" = millrace_now()
      WHERE "id" = ${id} AND "state" = 'writing'`;
    return count === 1;
  }

  /**
   * Gives up the checkpoint of this step under this fence: nothing more is stored for it. This is remembered until the
   * attempt is over, for the ranks whose parts are still on their way. What was kept for it is noted as let go. Returns
   * false when it was given up before, or is durable.
   */
  async giveUp(tx: Transaction, key: PartKey): Promise<boolean> {
    const { runId, fence, step } = key;
    const before = await this.findWriting(tx, key);
    if (before?.durable) return false;
    const given = { state: 'given-up', parts: {} };
    if (before === null) await tx.checkpoint.create({ data: { id: newId('ckpt'), ...key, ...given } });
    else await tx.checkpoint.update({ where: { id: before.id }, data: given });
    if (before) await tx.checkpointBlock.deleteMany({ where: { checkpointId: before.id } });
    await this.holds.releaseStep(tx, { owner: runId, fence, step });
    return !before?.givenUp;
  }

  /** Returns false when the checkpoint is durable by now, or gone: a durable one is never given up. */
  async deleteWriting(tx: Transaction, id: string): Promise<boolean> {
    const { count } = await tx.checkpoint.deleteMany({ where: { id, state: 'writing' } });
    return count > 0;
  }

  async delete(tx: Transaction, ids: readonly string[]): Promise<void> {
    await tx.checkpoint.deleteMany({ where: { id: { in: [...ids] } } });
  }

  /** Deletes all checkpoints of a run, including those that are half written. */
  async deleteOf(tx: Transaction, runId: string): Promise<void> {
    await tx.checkpoint.deleteMany({ where: { runId } });
  }

  /**
   * Deletes what attempts left half written or gave up. The attempts must have been over for `ageMs`: their last parts
   * may still be on their way.
   */
  async deleteAbandoned(ageMs: number): Promise<number> {
    return this.prisma.$executeRaw`
      DELETE FROM "Checkpoint" USING "Attempt"
      WHERE "Checkpoint"."state" IN ('writing', 'given-up') AND "Attempt"."runId" = "Checkpoint"."runId"
        AND "Attempt"."fence" = "Checkpoint"."fence" AND NOT ${mayStillStore(ageMs)}`;
  }
}

function toDurable({ id, runId, step, manifest }: Checkpoint): DurableCheckpoint {
  return { id, runId, step, manifest: manifest as unknown as ManifestDocument };
}
