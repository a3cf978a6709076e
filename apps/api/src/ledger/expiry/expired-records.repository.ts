import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';
import { Prisma } from '../../generated/prisma/client';

/** Records that are only ever added, each with the key that grows with time. */
const RECORDS = {
  events: { table: '"Event"', key: '"sequence"' },
  logLines: { table: '"LogLine"', key: '"id"' },
  auditEntries: { table: '"AuditEntry"', key: '"id"' },
} as const;
export type RecordKind = keyof typeof RECORDS;

/** Deletes records that are older than they are to be kept. */
@Injectable()
export class ExpiredRecordsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Deletes, among the oldest `count` records, those older than `days`. Keys grow with time, so that this needs no
   * index on times and reads no more rows than that. @returns how many were deleted
   */
  async deleteOldest(kind: RecordKind, { days, count }: { days: number; count: number }): Promise<number> {
    const [table, key] = [Prisma.raw(RECORDS[kind].table), Prisma.raw(RECORDS[kind].key)];
    return this.prisma.$executeRaw`
      DELETE FROM ${table} WHERE ${key} IN (
        SELECT ${key} FROM (SELECT ${key}, "time" FROM ${table} ORDER BY ${key} LIMIT ${count}) AS oldest
        WHERE oldest."time" < millrace_now() - make_interval(days => ${days}::int))`;
  }

  /**
   * Deletes the times of layers that nobody asked for or measured for `days`; they are measured again when they are
   * needed.
   */
  async deleteProfiles(days: number): Promise<void> {
    await this.prisma.$executeRaw`
      DELETE FROM "LayerProfile"
      WHERE GREATEST("askedAt", "measuredAt") < millrace_now() - make_interval(days => ${days}::int)`;
  }
}
