import { Controller, Get, Param, Query } from '@nestjs/common';
import { INT4_MAX, type MetricPage, METRICS, type SeriesBody, storableText } from '@millrace/contracts';
import { z } from 'zod';
import { decodeCursor } from '../../ground/http/cursor';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { RunLookup } from '../../ledger/runs/run-lookup';
import { MetricsRepository } from '../../ledger/metrics/metrics.repository';
import { SeriesRepository } from '../../ledger/metrics/series.repository';

const NAMES_MAX = 20;
const POINTS_MAX = 5_000;

const metricName = z.string({ error: 'is required, for instance train/loss' }).min(1).max(200).pipe(storableText);
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max));

export const metricQuerySchema = pageQuerySchema.extend({
  name: metricName.describe(`One of ${Object.keys(METRICS).join(', ')}`),
});
export const seriesQuerySchema = z.object({
  /** Names separated by commas; without them, every name that the run has. */
  names: z
    .string()
    .min(1)
    .max(4_000)
    .transform((names) => [...new Set(names.split(','))])
    .pipe(z.array(metricName).max(NAMES_MAX))
    .optional(),
  points: wholeNumber(1, POINTS_MAX).default(500),
  /** The first and the last step, both inclusive. */
  from: wholeNumber(0, INT4_MAX).default(0),
  to: wholeNumber(0, INT4_MAX).default(INT4_MAX),
});
const cursorSchema = z.tuple([z.int().min(0).max(INT4_MAX)]);

@Controller('api/v1')
export class MetricsController {
  constructor(
    private readonly metrics: MetricsRepository,
    private readonly series: SeriesRepository,
    private readonly runs: RunLookup,
  ) {}

  @Get('runs/:id/metrics')
  async page(@Param('id') runId: string, @Query() query: unknown): Promise<MetricPage> {
    const { name, limit, cursor } = parseQuery(metricQuerySchema, query);
    const [afterStep] = cursor === undefined ? [-1] : decodeCursor(cursor, cursorSchema);
    await this.runs.assertExists(runId);
    return this.metrics.page({ runId, name, limit, afterStep });
  }

  /** Answers with series for charts, which the database has reduced to a few points. */
  @Get('runs/:id/series')
  async charts(@Param('id') runId: string, @Query() query: unknown): Promise<SeriesBody> {
    const { names, points, from, to } = parseQuery(seriesQuerySchema, query);
    await this.runs.assertExists(runId);
    const wanted = names ?? (await this.series.names(runId)).slice(0, NAMES_MAX);
    const series: SeriesBody['series'] = [];
    // The series are read one after the other, because each may read a million rows.
    for (const name of wanted) series.push(await this.series.read({ runId, name, points, from, to }));
    return { series };
  }
}
