import { Controller, Get } from '@nestjs/common';
import type { OverviewBody } from '@millrace/contracts';
import { ApiConfig } from '../../ground/config/api-config';
import { OverviewRepository } from './overview.repository';

@Controller('api/v1')
export class OverviewController {
  constructor(
    private readonly overview: OverviewRepository,
    private readonly config: ApiConfig,
  ) {}

  @Get('overview')
  async get(): Promise<OverviewBody> {
    const [agents, runs, recentFailures, queue, tokensPerSecond] = await Promise.all([
      this.overview.agents(this.config.leaseMs),
      this.overview.runs(),
      this.overview.recentFailures(),
      this.overview.queue(),
      this.overview.tokensPerSecond(),
    ]);
    return { agents, runs, recentFailures, queue, tokensPerSecond };
  }
}
