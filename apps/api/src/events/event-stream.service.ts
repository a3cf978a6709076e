import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import type { Request, Response } from 'express';
import { lastEventId, SseStream } from '../boundary/http/sse-stream';
import { CLOCK } from '../config/api-logger';
import { EventFeedService } from './event-feed.service';
import { type EventRow, EventsRepository, toEventBody } from './events.repository';

const REPLAY_BATCH_COUNT = 500;
/** Live events that may wait while a client is still being sent old ones. */
const WAITING_COUNT_MAX = 10_000;

/**
 * Events as server-sent events: first what the client missed, from the database, then live ones, none twice or left
 * out.
 */
@Injectable()
export class EventStreamService {
  constructor(
    private readonly feed: EventFeedService,
    private readonly events: EventsRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `runId`: only events of that run. Returns when the stream is set up; it goes on until the client leaves. */
  async serve(request: Request, response: Response, runId?: string): Promise<void> {
    const last = lastEventId(request);
    const client: { stream?: SseStream; waiting: EventRow[] | undefined } = { waiting: [] };
    const { position, unsubscribe } = await this.feed.subscribe((event) => {
      if (runId !== undefined && event.runId !== runId) return;
      if (client.waiting === undefined) client.stream?.send(toSse(event));
      else if (client.waiting.push(event) > WAITING_COUNT_MAX) client.stream?.close();
    });
    if (request.method === 'HEAD' || response.destroyed) {
      unsubscribe();
      response.type('text/event-stream').end();
      return;
    }
    const stream = new SseStream(response, this.clock);
    client.stream = stream;
    stream.onEnd(unsubscribe);
    // A client without Last-Event-ID gets what happens from now on; one with 0 gets all.
    if (last !== undefined) await this.replay(stream, { after: last, upTo: position, runId });
    for (const event of client.waiting ?? []) stream.send(toSse(event));
    client.waiting = undefined;
  }

  private async replay(
    stream: SseStream,
    range: { after: bigint; upTo: bigint; runId: string | undefined },
  ): Promise<void> {
    let { after } = range;
    while (stream.isOpen) {
      const batch = await this.events.range({ ...range, after, limit: REPLAY_BATCH_COUNT });
      for (const event of batch) stream.send(toSse(event));
      await stream.drained();
      const newest = batch.at(-1);
      if (newest === undefined || batch.length < REPLAY_BATCH_COUNT) return;
      after = newest.sequence;
    }
  }
}

function toSse(event: EventRow): { id: string; data: unknown } {
  return { id: String(event.sequence), data: toEventBody(event) };
}
