import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import type { Response } from 'express';
import { Public } from '../../ground/auth/access';
import { RememberedAnswer } from '../../ground/concurrency/remembered-answer';
import { CLOCK } from '../../ground/config/api-logger';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';
import { ReadinessService } from './readiness.service';

/** A scrape asks the database for counts; nobody scrapes more often than this to see more. */
const SCRAPE_REMEMBERED_MS = 1_000;

/** At the root of the port and without a token: for probes and for Prometheus. */
@Public()
@Controller()
export class HealthController {
  private readonly scrape: RememberedAnswer<string>;

  constructor(
    private readonly readiness: ReadinessService,
    private readonly prometheus: PrometheusService,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.scrape = new RememberedAnswer(clock, SCRAPE_REMEMBERED_MS, () => prometheus.text());
  }

  /** The process answers. */
  @Get('healthz')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(@Res() response: Response): Promise<void> {
    const { ready, checks } = await this.readiness.report();
    response
      .status(ready ? 200 : 503)
      .setHeader('Cache-Control', 'no-store')
      .json({ status: ready ? 'ok' : 'unavailable', checks });
  }

  @Get('metrics')
  async metrics(@Res() response: Response): Promise<void> {
    response.setHeader('Content-Type', this.prometheus.contentType).setHeader('Cache-Control', 'no-store');
    response.end(await this.scrape.get());
  }
}
