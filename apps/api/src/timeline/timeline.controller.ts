import { Controller, Get, Param } from '@nestjs/common';
import { RunLookup } from '../database/run-lookup';
import { TimelineService } from './timeline.service';

@Controller('api/v1')
export class TimelineController {
  constructor(
    private readonly timeline: TimelineService,
    private readonly runs: RunLookup,
  ) {}

  /** In the Chrome trace format, for chrome://tracing or Perfetto. */
  @Get('runs/:id/timeline')
  async chromeTrace(@Param('id') id: string): Promise<unknown> {
    await this.runs.assertExists(id);
    return this.timeline.chromeTrace(id);
  }
}
