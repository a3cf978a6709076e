import { Injectable } from '@nestjs/common';
import { LeaseSweeperService } from '../../ledger/attempts/lease-sweeper.service';
import { BlockCollectorService } from '../../ledger/checkpoint-keeping/block-collector.service';
import { ExpiredRecordsService } from '../../ledger/expiry/expired-records.service';
import { SchedulingService } from '../../planning/scheduling/scheduling.service';
import { TelemetryService } from '../../ledger/telemetry/telemetry.service';
import { IdempotencyRepository } from '../../requests/idempotency/idempotency.repository';
import type { QueueCommand } from './queue-commands';

/** Executes the queue's commands. */
@Injectable()
export class QueueCommandsService {
  private readonly running = new Map<QueueCommand, 'once' | 'again'>();

  constructor(
    private readonly scheduling: SchedulingService,
    private readonly sweeper: LeaseSweeperService,
    private readonly collector: BlockCollectorService,
    private readonly idempotency: IdempotencyRepository,
    private readonly telemetry: TelemetryService,
    private readonly records: ExpiredRecordsService,
  ) {}

  /**
   * Here the same command is never executed twice at the same time; if it comes again meanwhile, it is executed once
   * more afterwards.
   */
  async run(command: QueueCommand): Promise<void> {
    if (this.running.has(command)) return void this.running.set(command, 'again');
    try {
      do {
        this.running.set(command, 'once');
        await this.execute(command);
      } while (this.running.get(command) === 'again');
    } finally {
      this.running.delete(command);
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
      case 'walk-blocks':
        return void (await this.collector.walk());
      case 'purge-idempotency':
        return this.idempotency.purge();
      case 'purge-telemetry':
        return this.telemetry.prune();
      case 'expire-records':
        return this.records.expire();
      default:
        command satisfies never;
    }
  }
}
