import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { assert, type Clock, describeError, type Logger } from '@millrace/core';
import { LeaseSweeperService } from '../attempts/lease-sweeper.service';
import { BlockCollectorService } from '../checkpointing/block-collector.service';
import { ApiConfig } from '../config/api-config';
import { CLOCK, LOGGER } from '../config/api-logger';
import { SchedulingService } from '../scheduling/scheduling.service';
import { ClusterSignals } from './cluster-signals';
import { IdempotencyPurgeRepository } from './idempotency-purge.repository';
import { type JobQueue, type JobWorker, openQueue } from './queue-backend';
import { intervalsMs, isQueueCommand, QUEUE_COMMANDS, type QueueCommand } from './queue-commands';

const QUEUE_NAME = 'millrace';
/** Bounded retries; what still fails is done by the next periodic command. Finished jobs leave nothing behind. */
const JOB_OPTIONS = { attempts: 3, backoff: { type: 'exponential', delay: 500 }, removeOnComplete: true, removeOnFail: 100 };
/** Signals within this time become one command. */
const COALESCE_MS = 20;

/** Carries the control plane's short commands over BullMQ. */
@Injectable()
export class QueueService implements OnApplicationBootstrap, OnApplicationShutdown {
  private queue: JobQueue | undefined;
  private worker: JobWorker | undefined;
  private unsubscribe: (() => void) | undefined;
  private cancelPending: (() => void) | undefined;
  private readonly running = new Map<QueueCommand, 'once' | 'again'>();

  constructor(
    private readonly scheduling: SchedulingService,
    private readonly sweeper: LeaseSweeperService,
    private readonly collector: BlockCollectorService,
    private readonly idempotency: IdempotencyPurgeRepository,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const opened = openQueue({
      name: QUEUE_NAME, config: this.config, concurrency: QUEUE_COMMANDS.length,
      process: ({ name }) => this.process(name),
      onError: (error) => this.logger.warn({ reason: describeError(error) }, 'queue'),
    });
    this.queue = opened.queue;
    this.worker = opened.worker;
    for (const [name, every] of Object.entries(intervalsMs(this.config.leaseMs))) {
      await this.queue.upsertJobScheduler(name, { every }, { name, data: {}, opts: JOB_OPTIONS });
    }
    this.unsubscribe = this.signals.whenSchedule(() => this.scheduleSoon());
  }

  async onApplicationShutdown(): Promise<void> {
    this.unsubscribe?.();
    this.cancelPending?.();
    await this.worker?.close();
    await this.queue?.close();
  }

  async enqueue(command: QueueCommand): Promise<void> {
    await this.queue?.add(command, {}, JOB_OPTIONS);
  }

  private scheduleSoon(): void {
    this.cancelPending ??= this.clock.after(COALESCE_MS, () => {
      this.cancelPending = undefined;
      void this.enqueue('schedule').catch((error: unknown) => {
        this.logger.warn({ reason: describeError(error) }, 'no command was queued; the periodic one will do');
      });
    });
  }

  /** The same command is never done twice at the same time here; one that comes meanwhile is done once after it. */
  private async process(name: string): Promise<void> {
    assert(isQueueCommand(name), `${name} is not a command of this queue`);
    if (this.running.has(name)) return void this.running.set(name, 'again');
    try {
      do {
        this.running.set(name, 'once');
        await this.execute(name);
      } while (this.running.get(name) === 'again');
    } finally {
      this.running.delete(name);
    }
  }

  private async execute(command: QueueCommand): Promise<void> {
    switch (command) {
      case 'schedule':
        return void (await this.scheduling.schedule());
      case 'sweep-leases':
        return void (await this.sweeper.sweep());
      case 'collect-checkpoints':
        return void (await this.collector.collect());
      case 'purge-idempotency':
        return this.idempotency.purge(new Date(this.clock.now()));
      default:
        command satisfies never;
    }
  }
}
