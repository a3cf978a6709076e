import { Injectable } from '@nestjs/common';
import type { ManifestDocument } from '@millrace/contracts';
import { newId } from '@millrace/core';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import type { Checkpoint, Prisma } from '../../generated/prisma/client';
import { BlockHoldsRepository, mayStillStore } from './block-holds.repository';
import type { CheckpointPart } from './checkpoint-part';

export interface DurableCheckpoint {
  readonly id: string;
  readonly runId: string | null;
  readonly step: number;
  readonly manifest: ManifestDocument;
}

/** What makes a checkpoint durable. */
export interface Publication {
  readonly id: string;
  readonly manifest: ManifestDocument;
  readonly bytes: number;
}

export interface PartKey {
  readonly runId: string;
  readonly step: number;
  readonly fence: number;
}

export interface RankPart {
  readonly rank: number;
  readonly part: CheckpointPart;
}

export interface WritingCheckpoint {
  readonly id: string;
  readonly durable: boolean;
  /** One of the ranks could not store its part, so that the checkpoint never becomes durable. */
  readonly givenUp: boolean;
  /** The parts by rank, written as decimal text. */
  readonly parts: Readonly<Record<string, CheckpointPart>>;
}

/**
 * Checkpoints while they are written, and the change that makes one durable. Whoever changes one holds its run's lock.
 */
@Injectable()
export class CheckpointWritesRepository {
  constructor(
    private readonly prisma: PrismaService,
    private readonly holds: BlockHoldsRepository,
    private readonly time: DatabaseClock,
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
    const row = await (reader ?? this.prisma).checkpoint.findUnique({
      where: { runId_step_fence: { runId, step, fence } },
    });
    return (
      row && {
        id: row.id,
        durable: row.state === 'durable',
        givenUp: row.state === 'given-up',
        parts: row.parts as unknown as WritingCheckpoint['parts'],
      }
    );
  }

  /** Adds a rank's part. From then on its blocks are referenced, which keeps them in place of the attempt's holds. */
  async storePart(tx: Transaction, key: PartKey, { rank, part }: RankPart): Promise<WritingCheckpoint> {
    const before = await this.findWriting(tx, key);
    const id = before?.id ?? newId('ckpt');
    const parts = { ...before?.parts, [rank]: part };
    const document = parts as unknown as Prisma.InputJsonObject;
    if (before) await tx.checkpoint.update({ where: { id }, data: { parts: document } });
    else await tx.checkpoint.create({ data: { id, ...key, state: 'writing', parts: document } });
    const hashes = new Set(part.tensors.flatMap(({ blocks }) => blocks.map(({ sha256 }) => sha256)));
    const rows = [...hashes].map((sha256) => ({ checkpointId: id, sha256 }));
    await tx.checkpointBlock.createMany({ data: rows, skipDuplicates: true });
    await this.holds.release(tx, { owner: key.runId, fence: key.fence, step: key.step }, [...hashes]);
    return { id, durable: before?.durable ?? false, givenUp: false, parts };
  }

  /** Makes the checkpoint visible. Returns false when it was visible already. */
  async publish(tx: Transaction, { id, manifest, bytes }: Publication): Promise<boolean> {
    const { count } = await tx.checkpoint.updateMany({
      where: { id, state: 'writing' },
      data: { state: 'durable', manifest, bytes: BigInt(bytes), parts: {}, createdAt: await this.time.now(tx) },
    });
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
