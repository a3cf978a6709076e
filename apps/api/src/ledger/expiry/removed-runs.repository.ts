import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { Prisma } from '../../generated/prisma/client';

/** Records of which one run may have a million. */
export const RUN_RECORDS = ['MetricPoint', 'LogLine'] as const;
export type RunRecords = (typeof RUN_RECORDS)[number];

/** Runs that are deleted except for their points and log lines. */
@Injectable()
export class RemovedRunsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Called in the transaction that deletes the run. */
  async add(tx: Transaction, runId: string): Promise<void> {
    await tx.removedRun.create({ data: { runId } });
  }

  /** The run that was deleted first comes first. */
  async all(): Promise<string[]> {
    const rows = await this.prisma.removedRun.findMany({ orderBy: [{ removedAt: 'asc' }, { runId: 'asc' }] });
    return rows.map(({ runId }) => runId);
  }

  /** @returns how many rows were deleted, at most `count` */
  async deleteSome(records: RunRecords, runId: string, count: number): Promise<number> {
    const table = Prisma.raw(`"${records}"`);
    return this.prisma.$executeRaw`
      DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE "runId" = ${runId} LIMIT ${count}))`;
  }

  /** Called when nothing of the run is left. */
  async forget(runId: string): Promise<void> {
    await this.prisma.removedRun.deleteMany({ where: { runId } });
  }
}
