import { Controller, Get, Param, Query } from '@nestjs/common';
import { type MetricPage, METRICS, storableText } from '@millrace/contracts';
import { z } from 'zod';
import { decodeCursor, INT4_MAX } from '../boundary/http/cursor';
import { pageQuerySchema, parseQuery } from '../boundary/http/parse-query';
import { RunLookup } from '../database/run-lookup';
import { MetricsRepository } from './metrics.repository';

export const metricQuerySchema = pageQuerySchema.extend({
  name: z
    .string({ error: 'is required, for instance train/loss' })
    .min(1)
    .max(200)
    .pipe(storableText)
    .describe(`One of ${Object.keys(METRICS).join(', ')}`),
});
const cursorSchema = z.tuple([z.int().min(0).max(INT4_MAX)]);

@Controller('api/v1')
export class MetricsController {
  constructor(
    private readonly metrics: MetricsRepository,
    private readonly runs: RunLookup,
  ) {}

  @Get('runs/:id/metrics')
  async page(@Param('id') runId: string, @Query() query: unknown): Promise<MetricPage> {
    const { name, limit, cursor } = parseQuery(metricQuerySchema, query);
    const [afterStep] = cursor === undefined ? [-1] : decodeCursor(cursor, cursorSchema);
    await this.runs.assertExists(runId);
    return this.metrics.page({ runId, name, limit, afterStep });
  }
}
