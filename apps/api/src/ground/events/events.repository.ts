import { Injectable } from '@nestjs/common';
import type { EventBody } from '@millrace/contracts';
import { PrismaService } from '../database/prisma.service';
import type { Event } from '../../generated/prisma/client';

export type EventRow = Event;

export interface EventRange {
  /** This sequence itself is excluded. */
  readonly after: bigint;
  /** This sequence is included; without it there is no bound. */
  readonly upTo?: bigint;
  readonly runId?: string | undefined;
  readonly limit: number;
}

/** What the database says about transactions: those below `oldest` are over, those from `next` on have not begun. */
export interface TransactionHorizon {
  readonly oldest: bigint;
  readonly next: bigint;
}

@Injectable()
export class EventsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** In ascending order of their sequences. */
  range({ after, upTo, runId, limit }: EventRange): Promise<Event[]> {
    return this.prisma.event.findMany({
      where: {
        sequence: { gt: after, ...(upTo === undefined ? {} : { lte: upTo }) },
        ...(runId === undefined ? {} : { runId }),
      },
      orderBy: { sequence: 'asc' },
      take: limit,
    });
  }

  async newestSequence(): Promise<bigint> {
    const { _max } = await this.prisma.event.aggregate({ _max: { sequence: true } });
    return _max.sequence ?? 0n;
  }

  async horizon(): Promise<TransactionHorizon> {
    const [row] = await this.prisma.$queryRaw<{ oldest: string; next: string }[]>`
      SELECT pg_snapshot_xmin(s)::text AS "oldest", pg_snapshot_xmax(s)::text AS "next" FROM pg_current_snapshot() s`;
    return { oldest: BigInt(row?.oldest ?? 0), next: BigInt(row?.next ?? 0) };
  }
}

export function toEventBody({ sequence, time, type, runId, subject, data }: Event): EventBody {
  return { sequence: String(sequence), time: time.toISOString(), type, runId, subject, data };
}
