import { Controller, Get, Param, Query } from '@nestjs/common';
import type { TimelineBody } from '@millrace/contracts';
import { z } from 'zod';
import { parseQuery } from '../../ground/http/parse-query';
import { RunLookup } from '../../ledger/runs/run-lookup';
import type { ChromeTrace } from './chrome-trace';
import { TimelineService } from './timeline.service';
import { STEPS_PER_RUN } from '../../ground/tracing/trace-store';

const STEPS_TEXT = `must be a whole number from 1 to ${STEPS_PER_RUN}`;

export const timelineQuerySchema = z.object({
  format: z
    .enum(['chrome', 'json'], { error: 'must be chrome (for chrome://tracing and Perfetto) or json' })
    .default('chrome'),
  /** How many of the newest traced steps to show; without it, all that are kept. */
  steps: z
    .string()
    .regex(/^\d+$/, STEPS_TEXT)
    .transform(Number)
    .pipe(z.int().min(1, STEPS_TEXT).max(STEPS_PER_RUN, STEPS_TEXT))
    .optional(),
});

@Controller('api/v1')
export class TimelineController {
  constructor(
    private readonly timeline: TimelineService,
    private readonly runs: RunLookup,
  ) {}

  /** Answers in the Chrome trace format or, with `format=json`, with a document for a program that draws it. */
  @Get('runs/:id/timeline')
  async show(@Param('id') id: string, @Query() query: unknown): Promise<ChromeTrace | TimelineBody> {
    const { format, steps } = parseQuery(timelineQuerySchema, query);
    await this.runs.assertExists(id);
    return format === 'json' ? this.timeline.json(id, steps) : this.timeline.chromeTrace(id, steps);
  }
}
