import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import type { Response } from 'express';
import { Public } from '../../ground/auth/access';
import { RememberedAnswer } from '../../ground/concurrency/remembered-answer';
import { CLOCK } from '../../ground/config/api-logger';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';

/** A scrape asks the database for counts; nobody scrapes more often than this to see more. */
const SCRAPE_REMEMBERED_MS = 1_000;

/** The page that Prometheus reads, at the root of the port and without a token. */
@Public()
@Controller()
export class ScrapeController {
  private readonly scrape: RememberedAnswer<string>;

  constructor(
    private readonly prometheus: PrometheusService,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.scrape = new RememberedAnswer(clock, SCRAPE_REMEMBERED_MS, () => prometheus.text());
  }

  @Get('metrics')
  async metrics(@Res() response: Response): Promise<void> {
    response.setHeader('Content-Type', this.prometheus.contentType).setHeader('Cache-Control', 'no-store');
    response.end(await this.scrape.get());
  }
}
