import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { assert, type Clock, describeError, type Logger } from '@millrace/core';
import { describeFailure } from '../../ground/database/prisma-failures';
import { ClusterSignals } from '../../ground/events/cluster-signals';
import { type JobQueue, type JobWorker, openQueue } from './queue-backend';
import { intervalsMs, isQueueCommand, QUEUE_COMMANDS, type QueueCommand } from './queue-commands';
import { QueueCommandsService } from './queue-commands.service';
import { ApiConfig } from '../../ground/config/api-config';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';

const QUEUE_NAME = 'millrace';
/**
 * A command is retried a few times; if it still fails, the next periodic one makes up for it. Finished jobs are
 * removed.
 */
const JOB_OPTIONS = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: true,
  removeOnFail: 100,
};
/** States of jobs that are not over, and of those that have failed for good. */
const DEPTH_STATES = ['waiting', 'active', 'delayed', 'prioritized', 'failed'] as const;
/** Signals within this time become one command. */
const COALESCE_MS = 20;

/** Carries the control plane's short commands over BullMQ. */
@Injectable()
export class QueueService implements OnApplicationBootstrap, OnModuleDestroy {
  private queue: JobQueue | undefined;
  private worker: JobWorker | undefined;
  private unsubscribe: (() => void) | undefined;
  private cancelPending: (() => void) | undefined;

  constructor(
    private readonly commands: QueueCommandsService,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { config, logger } = this;
    const opened = await openQueue({
      name: QUEUE_NAME,
      config,
      concurrency: QUEUE_COMMANDS.length,
      process: async ({ name }) => {
        assert(isQueueCommand(name), `${name} is not a command of this queue`);
        await this.commands.run(name);
      },
      onError: (error) => logger.warn({ reason: describeFailure(error) }, 'queue'),
    });
    this.queue = opened.queue;
    this.worker = opened.worker;
    for (const [name, every] of Object.entries(intervalsMs(config.leaseMs))) {
      await this.queue.upsertJobScheduler(name, { every }, { name, data: {}, opts: JOB_OPTIONS });
    }
    this.unsubscribe = this.signals.whenSchedule(() => this.scheduleSoon());
  }

  async onModuleDestroy(): Promise<void> {
    this.unsubscribe?.();
    this.cancelPending?.();
    await this.worker?.close();
    await this.queue?.close();
  }

  async enqueue(command: QueueCommand): Promise<void> {
    await this.queue?.add(command, {}, JOB_OPTIONS);
  }

  /** Counts of jobs by state; empty until the queue is open. */
  async depth(): Promise<Record<string, number>> {
    return (await this.queue?.getJobCounts(...DEPTH_STATES)) ?? {};
  }

  private scheduleSoon(): void {
    const { clock, logger } = this;
    this.cancelPending ??= clock.after(COALESCE_MS, () => {
      this.cancelPending = undefined;
      void this.enqueue('schedule').catch((error: unknown) => {
        logger.warn(
          { reason: describeError(error) },
          'a command could not be queued; the periodic one makes up for it',
        );
      });
    });
  }
}
