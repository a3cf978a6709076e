import { Controller, Get, Inject } from '@nestjs/common';
import type { OverviewBody } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import { ApiConfig } from '../../ground/config/api-config';
import { CLOCK } from '../../ground/config/api-logger';
import { OverviewRepository } from './overview.repository';

@Controller('api/v1')
export class OverviewController {
  constructor(
    private readonly overview: OverviewRepository,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get('overview')
  async get(): Promise<OverviewBody> {
    const [agents, runs, recentFailures, queue, tokensPerSecond] = await Promise.all([
      this.overview.agents(new Date(this.clock.now() - this.config.leaseMs)),
      this.overview.runs(),
      this.overview.recentFailures(),
      this.overview.queue(),
      this.overview.tokensPerSecond(),
    ]);
    return { agents, runs, recentFailures, queue, tokensPerSecond };
  }
}
