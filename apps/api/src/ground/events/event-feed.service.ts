import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, describeError, type Logger, sleep } from '@millrace/core';
import { CLOCK, LOGGER } from '../config/api-logger';
import { type EventRow, EventsRepository } from './events.repository';

const POLL_MS = 200;
const BATCH_COUNT = 500;

export type EventListener = (event: EventRow) => void;

/**
 * Delivers new events in the order of their sequence and leaves none out. Sequences are drawn before transactions
 * commit, so that 7 may appear before 6. At a gap the feed waits until every transaction that was under way at that
 * time is over; a sequence that is still missing then was rolled back. It polls only while somebody listens.
 */
@Injectable()
export class EventFeedService implements OnModuleDestroy {
  private readonly listeners = new Set<EventListener>();
  private position = 0n;
  private started: Promise<void> | undefined;
  private stopped = false;
  /** Belongs to the gap after `position`: only transactions below this number can still fill it. */
  private gapUntil: bigint | undefined;

  constructor(
    private readonly events: EventsRepository,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Listens to everything after the returned position; all events up to it are already in the database. The listener is
   * called in order, and must not wait.
   */
  async subscribe(listener: EventListener): Promise<{ position: bigint; unsubscribe: () => void }> {
    this.started ??= this.start();
    try {
      await this.started;
    } catch (error) {
      this.started = undefined;
      throw error;
    }
    this.listeners.add(listener);
    return { position: this.position, unsubscribe: () => void this.listeners.delete(listener) };
  }

  onModuleDestroy(): void {
    this.stopped = true;
    this.listeners.clear();
  }

  private async start(): Promise<void> {
    const { next } = await this.events.horizon();
    const newest = await this.events.newestSequence();
    while (!this.stopped && (await this.events.horizon()).oldest < next) await sleep(this.clock, POLL_MS);
    this.position = newest;
    this.gapUntil = undefined;
    void this.poll();
  }

  private async poll(): Promise<void> {
    // The first subscriber is added just after `start`.
    do {
      try {
        await this.readOn();
      } catch (error) {
        this.logger.warn({ reason: describeError(error) }, 'events cannot be read; trying again');
      }
      await sleep(this.clock, POLL_MS);
    } while (!this.stopped && this.listeners.size > 0);
    this.started = undefined;
  }

  private async readOn(): Promise<void> {
    for (;;) {
      // The horizon is read before the rows, so that the rows include whatever was committed by then.
      const settled = this.gapUntil !== undefined && (await this.events.horizon()).oldest >= this.gapUntil;
      const batch = await this.events.range({ after: this.position, limit: BATCH_COUNT });
      const deliveredCount = await this.deliver(batch, settled);
      if (batch.length < BATCH_COUNT || deliveredCount < batch.length) return;
    }
  }

  /**
   * `gapSettled` says that the gap before the batch can no longer be filled. @returns how many events were delivered
   * before another gap
   */
  private async deliver(batch: readonly EventRow[], gapSettled: boolean): Promise<number> {
    for (const [index, event] of batch.entries()) {
      const gap = event.sequence !== this.position + 1n;
      if (gap && !(gapSettled && index === 0)) {
        this.gapUntil ??= (await this.events.horizon()).next;
        return index;
      }
      this.gapUntil = undefined;
      this.position = event.sequence;
      for (const listener of this.listeners) listener(event);
    }
    return batch.length;
  }
}
