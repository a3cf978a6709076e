import { Injectable } from '@nestjs/common';
import { ATTEMPT_STATES, PLACEABLE_STATES } from '@millrace/scheduler';
import { PrismaService } from '../../ground/database/prisma.service';

/** A run with one of these reasons waits for devices that do not exist, instead of for others to release them. */
const INADMISSIBLE = ['NO_AGENTS', 'NOT_ENOUGH_DEVICES', 'CONSTRAINTS_UNSATISFIABLE'];

export interface QueueCount {
  readonly queue: string;
  readonly count: number;
}

export interface ClusterCounts {
  readonly runs: ReadonlyMap<string, number>;
  readonly agents: ReadonlyMap<string, number>;
  readonly leases: number;
  readonly pending: readonly (QueueCount & { readonly status: string })[];
  readonly admitted: readonly QueueCount[];
}

/** Counts rows for Prometheus. */
@Injectable()
export class ClusterCountsRepository {
  constructor(private readonly prisma: PrismaService) {}

  async read(): Promise<ClusterCounts> {
    const [runs, total, connected, draining, leases, pending, admitted] = await Promise.all([
      this.prisma.run.groupBy({ by: ['state'], _count: true }),
      this.prisma.agent.count(),
      this.prisma.agent.count({ where: { connected: true } }),
      this.prisma.agent.count({ where: { connected: true, draining: true } }),
      this.prisma.lease.count(),
      this.pending(),
      this.admitted(),
    ]);
    const agents = new Map([
      ['connected', connected - draining],
      ['draining', draining],
      ['disconnected', total - connected],
    ]);
    return { runs: new Map(runs.map(({ state, _count }) => [state, _count])), agents, leases, pending, admitted };
  }

  private pending(): Promise<(QueueCount & { status: string })[]> {
    return this.prisma.$queryRaw`
      SELECT "queue", CASE WHEN "reason"->>'code' = ANY(${INADMISSIBLE}::text[]) THEN 'inadmissible' ELSE 'active' END
        AS "status", count(*)::int AS "count"
      FROM "Run" WHERE "state" = ANY(${[...PLACEABLE_STATES]}::text[]) GROUP BY 1, 2 ORDER BY 1, 2`;
  }

  private async admitted(): Promise<QueueCount[]> {
    const where = { state: { in: [...ATTEMPT_STATES] } };
    const rows = await this.prisma.run.groupBy({ by: ['queue'], where, _count: true, orderBy: { queue: 'asc' } });
    return rows.map(({ queue, _count }) => ({ queue, count: _count }));
  }
}
