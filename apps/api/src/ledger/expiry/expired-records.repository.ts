import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';
import { Prisma } from '../../generated/prisma/client';

/** Records that are only ever added, with the column by which they were. */
const RECORDS = {
  events: { table: '"Event"', key: '"sequence"' },
  logLines: { table: '"LogLine"', key: '"id"' },
  auditEntries: { table: '"AuditEntry"', key: '"id"' },
} as const;
export type RecordKind = keyof typeof RECORDS;

/** Deletes what is older than it is kept. */
@Injectable()
export class ExpiredRecordsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Of the oldest `count` records those older than `days`. Their keys grow with time, so that it needs no index of
   * times, and looks at no more rows than that. @returns how many were deleted
   */
  async deleteOldest(kind: RecordKind, { days, count }: { days: number; count: number }): Promise<number> {
    const [table, key] = [Prisma.raw(RECORDS[kind].table), Prisma.raw(RECORDS[kind].key)];
    return this.prisma.$executeRaw`
      DELETE FROM ${table} WHERE ${key} IN (
        SELECT ${key} FROM (SELECT ${key}, "time" FROM ${table} ORDER BY ${key} LIMIT ${count}) AS oldest
        WHERE oldest."time" < millrace_now() - make_interval(days => ${days}::int))`;
  }

  /** What layers take, where nobody measured it for `days`; it is learned again when it is needed. */
  async deleteProfiles(days: number): Promise<void> {
    await this.prisma.$executeRaw`
      DELETE FROM "LayerProfile"
      WHERE GREATEST("askedAt", "measuredAt") < millrace_now() - make_interval(days => ${days}::int)`;
  }
}
