import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { RunLookup } from '../database/run-lookup';
import { EventStreamService } from './event-stream.service';

@Controller('api/v1')
export class EventsController {
  constructor(
    private readonly streams: EventStreamService,
    private readonly runs: RunLookup,
  ) {}

  /** Everything that happens. */
  @Get('events')
  async all(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.streams.serve(request, response);
  }

  @Get('runs/:id/events')
  async ofRun(@Param('id') id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await this.runs.assertExists(id);
    await this.streams.serve(request, response, id);
  }
}
