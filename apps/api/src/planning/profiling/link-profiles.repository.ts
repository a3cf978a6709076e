import { Injectable } from '@nestjs/common';
import type { LinkProfile } from '@millrace/pipeline';
import { PrismaService } from '../../ground/database/prisma.service';

export interface LinkRecord extends LinkProfile {
  readonly fromAgent: string;
  readonly toAgent: string;
}

/** Rows of links between agents; only the newest measurement is kept. */
@Injectable()
export class LinkProfilesRepository {
  constructor(private readonly prisma: PrismaService) {}

  async store({ fromAgent, toAgent, latencySeconds, bytesPerSecond }: LinkRecord, at: Date): Promise<void> {
    const measured = { latencySeconds, bytesPerSecond, measuredAt: at };
    await this.prisma.linkProfile.upsert({
      where: { fromAgent_toAgent: { fromAgent, toAgent } },
      create: { fromAgent, toAgent, ...measured },
      update: measured,
    });
  }

  async among(agentIds: readonly string[]): Promise<LinkRecord[]> {
    const ids = [...agentIds];
    return this.prisma.linkProfile.findMany({ where: { fromAgent: { in: ids }, toAgent: { in: ids } } });
  }
}
