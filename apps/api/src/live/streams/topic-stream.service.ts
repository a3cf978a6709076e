import { Inject, Injectable } from '@nestjs/common';
import type { StreamMessage } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import type { Request, Response } from 'express';
import { CLOCK } from '../../ground/config/api-logger';
import { EventStreamService } from '../../ground/events/event-stream.service';
import { toEventBody } from '../../ground/events/events.repository';
import { LiveFeedService } from './live-feed.service';
import { topicOf } from '../../ground/events/topics';

export interface TopicQuery {
  readonly topics: ReadonlySet<string>;
  readonly after?: bigint | undefined;
}

/** One stream for a whole browser tab: a browser opens only six connections to a host. */
@Injectable()
export class TopicStreamService {
  constructor(
    private readonly streams: EventStreamService,
    private readonly live: LiveFeedService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * First sends the events that were missed, then new ones as they happen and, beside them, messages that are not
   * stored (their `sequence` is null).
   */
  async serve(request: Request, response: Response, { topics, after }: TopicQuery): Promise<void> {
    const stream = await this.streams.serve(request, response, {
      after,
      select: (event): StreamMessage | undefined => {
        const topic = topicOf(event, topics);
        return topic === undefined ? undefined : { ...toEventBody(event), topic };
      },
    });
    if (stream === undefined) return;
    const unsubscribe = this.live.subscribe(topics, (message, topic) => {
      const time = new Date(this.clock.now()).toISOString();
      stream.send({ data: { sequence: null, topic, time, ...message } satisfies StreamMessage });
    });
    stream.onEnd(unsubscribe);
  }
}
