import { Injectable } from '@nestjs/common';
import type { LogLineBody } from '@millrace/contracts';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { lockRunAtFence } from '../../ground/database/lock-run-at-fence';

export interface LogLineInput {
  readonly timeMs: number;
  readonly level: string;
  readonly stage: number;
  readonly text: string;
}

export interface LogBatchInput {
  readonly runId: string;
  readonly fence: number;
  readonly agent: string;
  readonly lines: readonly LogLineInput[];
}

export interface LogQuery {
  readonly runId: string;
  readonly limit: number;
  /** The id of the line before the first one to return; 0n starts at the first line. */
  readonly after: bigint;
  readonly stage?: number | undefined;
  readonly levels?: readonly string[] | undefined;
}

/** Log lines of runs, in the order in which they were stored. */
@Injectable()
export class LogsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Appends a batch. Returns false, and writes nothing, when `fence` is not the run's current one. */
  async store(tx: Transaction, { runId, fence, agent, lines }: LogBatchInput): Promise<boolean> {
    if (!(await lockRunAtFence(tx, runId, fence))) return false;
    await tx.logLine.createMany({
      data: lines.map(({ timeMs, level, stage, text }) => ({
        // Postgres does not store NUL in text.
        runId,
        fence,
        agent,
        level,
        stage,
        time: new Date(timeMs),
        text: text.replaceAll('\0', '\uFFFD'),
      })),
    });
    return true;
  }

  /** 0n when the run has no lines. */
  async newestId(runId: string): Promise<bigint> {
    const row = await this.prisma.logLine.findFirst({
      where: { runId },
      orderBy: { id: 'desc' },
      select: { id: true },
    });
    return row?.id ?? 0n;
  }

  async page({ runId, limit, after, stage, levels }: LogQuery): Promise<LogLineBody[]> {
    const rows = await this.prisma.logLine.findMany({
      where: {
        runId,
        id: { gt: after },
        ...(stage === undefined ? {} : { stage }),
        ...(levels ? { level: { in: [...levels] } } : {}),
      },
      orderBy: { id: 'asc' },
      take: limit,
    });
    return rows.map(({ id, time, level, stage: of, agent, fence, text }) => ({
      id: String(id),
      time: time.toISOString(),
      level,
      stage: of,
      agent,
      fence,
      text,
    }));
  }
}
