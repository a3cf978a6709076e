import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import type { Request, Response } from 'express';
import { callerOf } from '../auth/auth.guard';
import { OpenCalls } from '../concurrency/open-calls';
import { CLOCK } from '../config/api-logger';
import { streamsLimited } from '../http/boundary.errors';
import { SseStream } from '../http/sse-stream';

/**
 * Each is asked for anew by a tab of a browser, and costs memory and looks at the database. gRPC's are counted by
 * themselves.
 */
export const STREAMS_PER_TOKEN_MAX = 100;

/** Opens streams of server-sent events, and limits how many each token has at a time. */
@Injectable()
export class SseStreams {
  private readonly openStreams = new OpenCalls(STREAMS_PER_TOKEN_MAX);

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /** @throws AppError API.STREAMS_LIMITED */
  open(request: Request, response: Response): SseStream {
    const over = this.openStreams.open(callerOf(request).tokenId);
    if (over === undefined) throw streamsLimited(STREAMS_PER_TOKEN_MAX);
    const stream = new SseStream(response, this.clock);
    // The stream does not count as over after its last event: what was sent stays in memory until the client has read
    // it.
    response.once('close', over);
    if (response.closed) over();
    return stream;
  }
}
