import type { Clock } from '@millrace/core';
import type { Request, Response } from 'express';
import { PRIVATE } from './cache-control';

const HEARTBEAT_MS = 15_000;
/** How many bytes may wait in the socket of a reader that is too slow. */
const WAITING_BYTES_MAX = 1024 ** 2;

/** A reader that was cut off has this long to read what it was sent. */
const FAREWELL_MS = 5_000;

export interface SseEvent {
  /** Left out for messages that are not stored and therefore cannot be asked for again. */
  readonly id?: string;
  readonly data: unknown;
}

/**
 * The `text/event-stream` of one client. It ends when the client leaves, or when it is too slow and must come back with
 * Last-Event-ID.
 */
export class SseStream {
  private open = true;
  private cancelHeartbeat: () => void = () => undefined;
  private readonly endings = new Set<() => void>();

  constructor(
    private readonly response: Response,
    private readonly clock: Clock,
  ) {
    response.status(200);
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    response.setHeader('Cache-Control', `${PRIVATE}, no-transform`);
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    response.once('close', () => this.ended());
    // A failed write means that the client is gone, which `close` tells.
    response.on('error', () => undefined);
    response.write('retry: 1000\n\n');
    this.heartbeat();
  }

  get isOpen(): boolean {
    return this.open;
  }

  send({ id, data }: SseEvent): void {
    this.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Resolves when the client has read most of what was sent, or is gone. */
  async drained(): Promise<void> {
    while (this.open && this.response.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.response.off('drain', done);
          this.endings.delete(done);
          resolve();
        };
        this.response.once('drain', done);
        this.endings.add(done);
      });
    }
  }

  /** Calls `task` once when the stream has ended. */
  onEnd(task: () => void): void {
    if (this.open) this.endings.add(task);
    else task();
  }

  close(): void {
    this.response.end();
    this.ended();
  }

  private write(text: string): void {
    if (!this.open) return;
    if (this.response.writableLength > WAITING_BYTES_MAX) return this.cutOff();
    this.response.write(text);
  }

  /** Tells a reader that it is too slow, so that it comes back with Last-Event-ID. */
  private cutOff(): void {
    const time = new Date(this.clock.now()).toISOString();
    const data = { sequence: null, topic: 'stream', type: 'stream.cut', time, runId: null, subject: 'stream' };
    const reason = 'the reader is too slow; open the stream again with Last-Event-ID';
    this.response.end(`event: cut\ndata: ${JSON.stringify({ ...data, data: { reason } })}\n\n`);
    this.clock.after(FAREWELL_MS, () => this.response.destroy());
    this.ended();
  }

  private heartbeat(): void {
    this.cancelHeartbeat = this.clock.after(HEARTBEAT_MS, () => {
      this.write(': alive\n\n');
      if (this.open) this.heartbeat();
    });
  }

  private ended(): void {
    if (!this.open) return;
    this.open = false;
    this.cancelHeartbeat();
    const endings = [...this.endings];
    this.endings.clear();
    for (const ending of endings) ending();
  }
}

/** The last sequence that a reconnecting client has seen; undefined without a usable Last-Event-ID. */
export function lastEventId(request: Request): bigint | undefined {
  const given = request.headers['last-event-id'];
  return typeof given === 'string' && /^\d{1,18}$/.test(given) ? BigInt(given) : undefined;
}
