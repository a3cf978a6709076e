import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { type LogLineBody, type Page, storableText } from '@millrace/contracts';
import { type Clock, sleep } from '@millrace/core';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { decodeCursor, encodeCursor, nextCursor } from '../../ground/http/cursor';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { SseStreams } from '../../ground/events/sse-streams';
import { lastEventId, type SseStream } from '../../ground/http/sse-stream';
import { CLOCK } from '../../ground/config/api-logger';
import { RunLookup } from '../../ledger/runs/run-lookup';
import { type LogQuery, LogsRepository } from '../../ledger/logs/logs.repository';

const FOLLOW_POLL_MS = 500;
const FOLLOW_BATCH_COUNT = 500;
const LINE_ID = z.string().regex(/^\d{1,18}$/, 'must be the id of a line');

export const logQuerySchema = pageQuerySchema.extend({
  /** Returns the lines after the one with this id. It does the same as a cursor, for a client that knows only lines. */
  after: LINE_ID.optional(),
  stage: z
    .string()
    .regex(/^\d{1,6}$/, 'must be the number of a stage')
    .transform(Number)
    .optional(),
  /** One level, or several separated by commas. */
  level: storableText
    .min(1)
    .max(100)
    .transform((levels) => levels.split(','))
    .optional(),
});

@Controller('api/v1')
export class LogsController {
  constructor(
    private readonly logs: LogsRepository,
    private readonly runs: RunLookup,
    private readonly streams: SseStreams,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Answers with a page or, with `Accept: text/event-stream`, with all lines from the cursor on and new ones as they
   * come.
   */
  @Get('runs/:id/logs')
  async read(@Param('id') runId: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const { limit, cursor, after, stage, level } = parseQuery(logQuerySchema, request.query);
    const [from] = cursor === undefined ? [after ?? '0'] : decodeCursor(cursor, z.tuple([LINE_ID]));
    await this.runs.assertExists(runId);
    const search: LogQuery = { runId, limit, after: BigInt(from), stage, levels: level };
    if (request.accepts(['application/json', 'text/event-stream']) !== 'text/event-stream') {
      response.json(await this.page(search));
    } else if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
    } else {
      const stream = this.streams.open(request, response);
      await this.follow({ ...search, after: lastEventId(request) ?? search.after }, stream);
    }
  }

  private async page(search: LogQuery): Promise<Page<LogLineBody>> {
    const lines = await this.logs.page({ ...search, limit: search.limit + 1 });
    const items = lines.slice(0, search.limit);
    return { items, nextCursor: nextCursor(lines, search.limit, ({ id }) => encodeCursor([id])) };
  }

  private async follow(search: LogQuery, stream: SseStream): Promise<void> {
    let { after } = search;
    while (stream.isOpen) {
      const lines = await this.logs.page({ ...search, after, limit: FOLLOW_BATCH_COUNT });
      for (const line of lines) stream.send({ id: line.id, data: line });
      await stream.drained();
      after = BigInt(lines.at(-1)?.id ?? after);
      if (lines.length < FOLLOW_BATCH_COUNT) await sleep(this.clock, FOLLOW_POLL_MS);
    }
  }
}
