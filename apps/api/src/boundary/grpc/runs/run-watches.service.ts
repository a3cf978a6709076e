import { isFinal, type Logger, type RunState } from '@millrace/core';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import type { runV1 } from '@millrace/contracts';
import { failedCall } from '../failures/failed-call';
import { LOGGER } from '../../../ground/config/api-logger';
import { RunLookup } from '../../../ledger/runs/run-lookup';
import { EventFeedService } from '../../../ground/events/event-feed.service';
import { type EventRow, EventsRepository } from '../../../ground/events/events.repository';
import { RunsService } from '../../../requests/runs/runs.service';
import { watchEnding, watchTooSlow } from '../grpc.errors';
import { OutgoingQueue, OUTGOING_MESSAGES_MAX } from '../outgoing-queue';
import { RunAccess } from './run-access';
import { eventMessage, runMessage } from './run-message';

type Call = ServerWritableStream<runV1.WatchRequest, runV1.WatchResponse>;

const REPLAY_BATCH_COUNT = 500;

/** One client that watches one run. */
interface Watch {
  readonly call: Call;
  readonly id: string;
  readonly outgoing: OutgoingQueue<runV1.WatchResponse>;
  /** Resolves when all events so far are handled: each waits for the one before it, and this counts how many wait. */
  tail: Promise<void>;
  waitingCount: number;
  ended: boolean;
  unsubscribe: () => void;
}

/**
 * Serves RunService.Watch: it sends the run, then its events as they happen, each exactly once, until the run is over.
 */
@Injectable()
export class RunWatchesService {
  private readonly watches = new Set<Watch>();

  constructor(
    private readonly access: RunAccess,
    private readonly lookup: RunLookup,
    private readonly runs: RunsService,
    private readonly feed: EventFeedService,
    private readonly events: EventsRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Resolves when the stream is set up. The stream goes on until the run is over or the client leaves. */
  async serve(call: Call): Promise<void> {
    const { id } = call.request;
    const watch: Watch = {
      call,
      id,
      outgoing: new OutgoingQueue(call),
      tail: Promise.resolve(),
      waitingCount: 0,
      ended: false,
      unsubscribe: () => undefined,
    };
    for (const name of ['cancelled', 'close', 'error'] as const) call.on(name, () => this.forget(watch));
    this.watches.add(watch);
    try {
      await this.access.toRead(call.metadata);
      await this.lookup.assertExists(id);
      await this.begin(watch);
    } catch (error) {
      this.fail(watch, error);
    }
  }

  /** Called when the server shuts down: clients connect elsewhere and pass the last sequence that they saw. */
  endAll(): void {
    for (const watch of this.watches) this.fail(watch, watchEnding());
  }

  private async begin(watch: Watch): Promise<void> {
    const { id } = watch;
    const { after } = watch.call.request;
    const early: EventRow[] = [];
    let live = false;
    const { position, unsubscribe } = await this.feed.subscribe((event) => {
      if (event.runId !== id) return;
      if (live) this.enqueue(watch, event);
      else if (early.push(event) > OUTGOING_MESSAGES_MAX) this.fail(watch, watchTooSlow(id, OUTGOING_MESSAGES_MAX));
    });
    watch.unsubscribe = unsubscribe;
    if (watch.ended) return unsubscribe();
    const final = await this.sendRun(watch);
    // If the run is over, all its events are stored and no further one comes.
    if (after !== undefined) await this.replay(watch, BigInt(after), final ? undefined : position);
    if (final) return this.finish(watch);
    live = true;
    for (const event of early) this.enqueue(watch, event);
  }

  private async replay(watch: Watch, from: bigint, upTo: bigint | undefined): Promise<void> {
    for (let after = from; !watch.ended;) {
      const batch = await this.events.range({ runId: watch.id, after, upTo, limit: REPLAY_BATCH_COUNT });
      for (const event of batch) this.push(watch, { $case: 'event', value: eventMessage(event) });
      await watch.outgoing.drained();
      const newest = batch.at(-1);
      if (newest === undefined || batch.length < REPLAY_BATCH_COUNT) return;
      after = newest.sequence;
    }
  }

  private enqueue(watch: Watch, event: EventRow): void {
    if (watch.ended) return;
    if (++watch.waitingCount > OUTGOING_MESSAGES_MAX)
      return this.fail(watch, watchTooSlow(watch.id, OUTGOING_MESSAGES_MAX));
    watch.tail = watch.tail
      .then(() => this.tell(watch, event))
      .catch((error: unknown) => this.fail(watch, error))
      .finally(() => watch.waitingCount--);
  }

  private async tell(watch: Watch, event: EventRow): Promise<void> {
    this.push(watch, { $case: 'event', value: eventMessage(event) });
    if (event.type !== 'run.state') return;
    await this.sendRun(watch);
    // Only the event ends the watch. The run itself may be found over earlier, before the event that tells so has come.
    if (isFinal((event.data as { state: RunState }).state)) this.finish(watch);
  }

  /** @returns whether the run is over */
  private async sendRun(watch: Watch): Promise<boolean> {
    const run = await this.runs.get(watch.id);
    this.push(watch, { $case: 'run', value: runMessage(run) });
    return isFinal(run.state);
  }

  private push(watch: Watch, body: NonNullable<runV1.WatchResponse['body']>): void {
    if (watch.ended || watch.outgoing.push({ body })) return;
    this.fail(watch, watchTooSlow(watch.id, OUTGOING_MESSAGES_MAX));
  }

  private finish(watch: Watch): void {
    if (watch.ended) return;
    this.forget(watch);
    void watch.outgoing.drained().then(() => watch.call.end());
  }

  private fail(watch: Watch, error: unknown): void {
    if (watch.ended) return;
    this.forget(watch);
    watch.call.emit('error', failedCall(error, this.logger, watch.call.getPath()));
  }

  private forget(watch: Watch): void {
    watch.ended = true;
    watch.unsubscribe();
    this.watches.delete(watch);
  }
}
