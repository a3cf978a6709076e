import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { parseQuery } from '../../ground/http/parse-query';
import { RunLookup } from '../../ledger/runs/run-lookup';
import { EventStreamService } from '../../ground/events/event-stream.service';
import { TopicStreamService } from './topic-stream.service';
import { topicsSchema } from '../../ground/events/topics';

export const eventQuerySchema = z.object({
  /** Topics, separated by commas: runs, run:ID, agents, agent:ID, queue, datasets. Without them every event is sent. */
  topics: topicsSchema.optional(),
  /** Events after this sequence are sent again, for clients that cannot send Last-Event-ID; 0 replays everything. */
  after: z
    .string()
    .regex(/^\d{1,18}$/, 'must be a sequence')
    .transform(BigInt)
    .optional(),
});

@Controller('api/v1')
export class EventsController {
  constructor(
    private readonly streams: EventStreamService,
    private readonly tabs: TopicStreamService,
    private readonly runs: RunLookup,
  ) {}

  /** Streams everything that happens, or only the topics that one browser tab shows. */
  @Get('events')
  async all(@Query() query: unknown, @Req() request: Request, @Res() response: Response): Promise<void> {
    const { topics, after } = parseQuery(eventQuerySchema, query);
    if (topics === undefined) await this.streams.serve(request, response, { after });
    else await this.tabs.serve(request, response, { topics, after });
  }

  @Get('runs/:id/events')
  async ofRun(@Param('id') id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await this.runs.assertExists(id);
    await this.streams.serve(request, response, { runId: id });
  }
}
