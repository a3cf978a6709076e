import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { lastEventId, type SseStream } from '../http/sse-stream';
import { EventFeedService } from './event-feed.service';
import { type EventRow, EventsRepository, toEventBody } from './events.repository';
import { SseStreams } from './sse-streams';

const REPLAY_BATCH_COUNT = 500;
/** So many live events may wait while a client is still being sent old ones. */
const WAITING_COUNT_MAX = 10_000;

export interface EventSelection {
  /** Only events of this run are sent. */
  readonly runId?: string;
  /** Replays the events after this sequence, for a client that cannot send Last-Event-ID, which takes precedence. */
  readonly after?: bigint | undefined;
  /** Chooses what is sent for an event; undefined means nothing. Without `select`, the whole event is sent. */
  readonly select?: (event: EventRow) => unknown;
}

/**
 * Sends events as server-sent events: first those that the client missed, from the database, and then live ones; each
 * exactly once.
 */
@Injectable()
export class EventStreamService {
  constructor(
    private readonly feed: EventFeedService,
    private readonly events: EventsRepository,
    private readonly streams: SseStreams,
  ) {}

  /**
   * Resolves when the client has been sent what it missed; the stream goes on until the client leaves. @returns the
   * stream; undefined when there is none (HEAD, or the client is gone) @throws AppError API.STREAMS_LIMITED
   */
  async serve(request: Request, response: Response, selection: EventSelection = {}): Promise<SseStream | undefined> {
    const { runId, after, select = toEventBody } = selection;
    const last = lastEventId(request) ?? after;
    const client: { stream?: SseStream; waiting: EventRow[] | undefined } = { waiting: [] };
    const { position, unsubscribe } = await this.feed.subscribe((event) => {
      if (runId !== undefined && event.runId !== runId) return;
      if (client.waiting === undefined) send(client.stream, event, select);
      else if (client.waiting.push(event) > WAITING_COUNT_MAX) client.stream?.close();
    });
    if (request.method === 'HEAD' || response.destroyed) {
      unsubscribe();
      response.type('text/event-stream').end();
      return undefined;
    }
    const stream = this.opened(request, response, unsubscribe);
    client.stream = stream;
    stream.onEnd(unsubscribe);
    // A client without Last-Event-ID gets what happens from now on; one with 0 gets everything.
    if (last !== undefined) await this.replay(stream, { after: last, upTo: position, runId }, select);
    for (const event of client.waiting ?? []) send(stream, event, select);
    client.waiting = undefined;
    return stream;
  }

  /** @throws AppError API.STREAMS_LIMITED */
  private opened(request: Request, response: Response, unsubscribe: () => void): SseStream {
    try {
      return this.streams.open(request, response);
    } catch (error) {
      unsubscribe();
      throw error;
    }
  }

  private async replay(
    stream: SseStream,
    range: { after: bigint; upTo: bigint; runId: string | undefined },
    select: (event: EventRow) => unknown,
  ): Promise<void> {
    let { after } = range;
    while (stream.isOpen) {
      const batch = await this.events.range({ ...range, after, limit: REPLAY_BATCH_COUNT });
      for (const event of batch) send(stream, event, select);
      await stream.drained();
      const newest = batch.at(-1);
      if (newest === undefined || batch.length < REPLAY_BATCH_COUNT) return;
      after = newest.sequence;
    }
  }
}

function send(stream: SseStream | undefined, event: EventRow, select: (event: EventRow) => unknown): void {
  const data = select(event);
  if (data !== undefined) stream?.send({ id: String(event.sequence), data });
}
