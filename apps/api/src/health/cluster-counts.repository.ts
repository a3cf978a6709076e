import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service';

export interface ClusterCounts {
  readonly runs: ReadonlyMap<string, number>;
  readonly agents: ReadonlyMap<string, number>;
  readonly leases: number;
}

/** How many of each there are, for Prometheus. */
@Injectable()
export class ClusterCountsRepository {
  constructor(private readonly prisma: PrismaService) {}

  async read(): Promise<ClusterCounts> {
    const [runs, total, connected, draining, leases] = await Promise.all([
      this.prisma.run.groupBy({ by: ['state'], _count: true }),
      this.prisma.agent.count(),
      this.prisma.agent.count({ where: { connected: true } }),
      this.prisma.agent.count({ where: { connected: true, draining: true } }),
      this.prisma.lease.count(),
    ]);
    const agents = new Map([
      ['connected', connected - draining],
      ['draining', draining],
      ['disconnected', total - connected],
    ]);
    return { runs: new Map(runs.map(({ state, _count }) => [state, _count])), agents, leases };
  }
}
