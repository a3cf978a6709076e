import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { TraceStore } from '../../ground/tracing/trace-store';
import { RunTracingService } from '../../ground/tracing/run-tracing.service';

/** What the ranks traced: kept for the timeline, and told to a collector if there is one. */
@Injectable()
export class TraceIntakeService {
  constructor(
    private readonly store: TraceStore,
    private readonly tracing: RunTracingService,
  ) {}

  add(batch: agentV1.TraceBatch): void {
    this.store.add(batch);
    this.tracing.traced(batch);
  }
}
