import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { QueueService } from '../queue/queue.service';
import { ReadinessService } from './readiness.service';

/** The queue is usable if it accepts a command; this command does no harm however often it is given. */
@Injectable()
export class QueueReadiness implements OnApplicationBootstrap {
  constructor(
    private readonly readiness: ReadinessService,
    private readonly queue: QueueService,
  ) {}

  onApplicationBootstrap(): void {
    this.readiness.register('queue', () => this.queue.enqueue('purge-idempotency'));
  }
}
