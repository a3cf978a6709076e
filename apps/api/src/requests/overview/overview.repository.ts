import { RUN_STATES } from '@millrace/core';
import { PLACEABLE_STATES } from '@millrace/scheduler';
import { Injectable } from '@nestjs/common';
import type { OverviewBody } from '@millrace/contracts';
import { PrismaService } from '../../ground/database/prisma.service';

type Reason = OverviewBody['queue'][number]['reason'];
type AgentCounts = OverviewBody['agents'];

const FAILURES_COUNT = 10;
const QUEUE_COUNT = 100;

/** The cluster at a glance, counted by the database. */
@Injectable()
export class OverviewRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** An agent that was not heard for `silentMs` is gone, even if its last session left another state behind. */
  async agents(silentMs: number): Promise<AgentCounts> {
    const [row] = await this.prisma.$queryRaw<Record<'connected' | 'draining' | 'gone' | 'leased', bigint>[]>`
      SELECT count(*) FILTER (WHERE a."there" AND NOT a."draining") AS "connected",
        count(*) FILTER (WHERE a."there" AND a."draining") AS "draining",
        count(*) FILTER (WHERE NOT a."there") AS "gone",
        (SELECT count(*) FROM "Lease") AS "leased"
      FROM (SELECT "draining",
        "connected" AND "lastSeenAt" > millrace_now() - ${silentMs}::float8 * interval '1 millisecond' AS "there"
        FROM "Agent") a`;
    const [connected, draining] = [Number(row?.connected ?? 0), Number(row?.draining ?? 0)];
    // An agent owns one device.
    return {
      connected,
      draining,
      gone: Number(row?.gone ?? 0),
      devices: connected + draining,
      leased: Number(row?.leased ?? 0),
    };
  }

  async runs(): Promise<OverviewBody['runs']> {
    const rows = await this.prisma.run.groupBy({ by: ['state'], _count: true });
    const counts = new Map<string, number>(rows.map(({ state, _count }) => [state, _count]));
    return Object.fromEntries(RUN_STATES.map((state) => [state, counts.get(state) ?? 0])) as OverviewBody['runs'];
  }

  /** Newest first. */
  async recentFailures(): Promise<OverviewBody['recentFailures']> {
    const rows = await this.prisma.run.findMany({
      where: { state: 'failed', finishedAt: { not: null } },
      orderBy: { finishedAt: 'desc' },
      take: FAILURES_COUNT,
      select: { id: true, name: true, reason: true, finishedAt: true },
    });
    return rows.map(({ id, name, reason, finishedAt }) => ({
      id,
      name,
      state: 'failed',
      reason: reason as Reason,
      endedAt: finishedAt?.toISOString() ?? '',
    }));
  }

  /** Runs that wait for devices, for the first time or again, in the scheduler's order: by priority, then by age. */
  async queue(): Promise<OverviewBody['queue']> {
    const rows = await this.prisma.run.findMany({
      where: { state: { in: [...PLACEABLE_STATES] } },
      orderBy: [{ priority: 'desc' }, { createdAt: 'asc' }, { id: 'asc' }],
      take: QUEUE_COUNT,
      select: { id: true, name: true, reason: true },
    });
    return rows.map(({ id, name, reason }, index) => ({ id, name, position: index + 1, reason: reason as Reason }));
  }

  /** The sum over all running runs, from the newest point of each. */
  async tokensPerSecond(): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ sum: number | null }[]>`
      SELECT sum(newest."value") AS "sum" FROM "Run" run CROSS JOIN LATERAL (
        SELECT "value" FROM "MetricPoint" WHERE "runId" = run."id" AND "name" = 'train/tokens_per_second'
        ORDER BY "step" DESC LIMIT 1) AS newest
      WHERE run."state" = 'running'`;
    return row?.sum ?? 0;
  }
}
