import { Injectable } from '@nestjs/common';
import type { CheckpointBody, ManifestDocument } from '@millrace/contracts';
import type { Manifest } from '@millrace/checkpoint';
import { FINAL_STATES } from '@millrace/core';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { LIVE_ATTEMPT_STATES } from '../../ledger/runs/attempt-record';
import type { Checkpoint } from '../../generated/prisma/client';

export type CheckpointRow = Checkpoint;

/** Sort key of the row to continue after; the newest comes first. */
export interface CheckpointKey {
  readonly step: number;
  readonly id: string;
}

export interface ImportedCheckpoint {
  readonly id: string;
  readonly manifest: ManifestDocument;
  readonly bytes: number;
  /** The hashes of its blocks, each once. */
  readonly hashes: readonly string[];
}

/** A run for which a checkpoint must be kept. */
export interface CheckpointUser {
  readonly runId: string;
  readonly how: string;
}

/** Durable checkpoints, as everyone sees them; one that is being written is invisible here. */
@Injectable()
export class CheckpointsRepository {
  constructor(private readonly prisma: PrismaService) {}

  async find(id: string): Promise<Checkpoint | null> {
    return id.includes('\0') ? null : this.prisma.checkpoint.findFirst({ where: { id, state: 'durable' } });
  }

  /** The checkpoints of a run, in descending order of steps. */
  async listOfRun(runId: string, count: number, after?: CheckpointKey): Promise<Checkpoint[]> {
    const older = after && { OR: [{ step: { lt: after.step } }, { step: after.step, id: { lt: after.id } }] };
    return this.prisma.checkpoint.findMany({
      where: { runId, state: 'durable', ...older },
      orderBy: [{ step: 'desc' }, { id: 'desc' }],
      take: count,
    });
  }

  /** Stores the checkpoint and its references in one transaction: from then on its blocks are kept. */
  async createImported(tx: Transaction, { id, manifest, bytes, hashes }: ImportedCheckpoint): Promise<Checkpoint> {
    const row = await tx.checkpoint.create({
      data: { id, step: 0, fence: 0, state: 'durable', parts: {}, manifest, bytes },
    });
    await tx.checkpointBlock.createMany({ data: hashes.map((sha256) => ({ checkpointId: id, sha256 })) });
    return row;
  }

  /**
   * A live run that needs the checkpoint: the run starts from it, or its attempt resumed from it and may still be
   * reading it, or it is the run's newest checkpoint, from which the next attempt would continue.
   */
  async liveUser(tx: Transaction, { id, runId, step }: Checkpoint): Promise<CheckpointUser | undefined> {
    const starting = await tx.run.findFirst({
      where: { state: { notIn: [...FINAL_STATES] }, spec: { path: ['model', 'init', 'id'], equals: id } },
      select: { id: true },
    });
    if (starting) return { runId: starting.id, how: 'starts from it' };
    const resumed = await tx.attempt.findFirst({
      where: { state: { in: [...LIVE_ATTEMPT_STATES] }, plan: { path: ['resumeCheckpointId'], equals: id } },
      select: { runId: true },
    });
    if (resumed) return { runId: resumed.runId, how: 'resumed from it' };
    if (runId === null) return undefined;
    const own = await tx.run.findFirst({
      where: { id: runId, state: { notIn: [...FINAL_STATES] } },
      select: { id: true },
    });
    const newer = own && (await tx.checkpoint.count({ where: { runId, state: 'durable', step: { gt: step } } }));
    return newer === 0 ? { runId, how: 'would resume from it' } : undefined;
  }

  /** Until the transaction ends, no run can be placed on the checkpoint and nobody else can delete it. */
  async lock(tx: Transaction, id: string): Promise<boolean> {
    const rows = await tx.$queryRaw<
      unknown[]
    >`SELECT 1 AS "one" FROM "Checkpoint" WHERE "id" = ${id} AND "state" = 'durable' FOR UPDATE`;
    return rows.length === 1;
  }

  async delete(tx: Transaction, id: string): Promise<void> {
    await tx.checkpoint.deleteMany({ where: { id } });
  }
}

export function toCheckpointBody({ id, runId, step, bytes, createdAt }: Checkpoint): CheckpointBody {
  return { id, runId, step, state: 'durable', bytes: Number(bytes), createdAt: createdAt.toISOString() };
}

export function manifestOf({ manifest }: Checkpoint): Manifest {
  return manifest as unknown as Manifest;
}
