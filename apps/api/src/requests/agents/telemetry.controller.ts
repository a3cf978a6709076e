import { Controller, Get, Param, Query } from '@nestjs/common';
import type { TelemetrySeriesBody } from '@millrace/contracts';
import { z } from 'zod';
import { AgentsService } from './agents.service';
import { parseQuery } from '../../ground/http/parse-query';
import { TelemetryService } from '../../ledger/telemetry/telemetry.service';

const POINTS_MAX = 5_000;
const time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z' })
  .transform((text) => new Date(text));

export const telemetryQuerySchema = z.object({
  from: time.optional().describe('Start; the last six hours are kept'),
  to: time.optional().describe('End; now without it'),
  points: z
    .string()
    .regex(/^\d+$/, `must be a whole number from 1 to ${POINTS_MAX}`)
    .transform(Number)
    .pipe(z.int().min(1).max(POINTS_MAX))
    .default(500),
});

@Controller('api/v1')
export class TelemetryController {
  constructor(
    private readonly agents: AgentsService,
    private readonly telemetry: TelemetryService,
  ) {}

  @Get('agents/:id/telemetry')
  async series(@Param('id') id: string, @Query() query: unknown): Promise<TelemetrySeriesBody> {
    const parsed = parseQuery(telemetryQuerySchema, query);
    await this.agents.get(id);
    return this.telemetry.series(id, parsed);
  }
}
