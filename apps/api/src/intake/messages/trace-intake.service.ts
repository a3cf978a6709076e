import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { RunTracingService } from '../../ground/tracing/run-tracing.service';
import { TraceStore } from '../../ground/tracing/trace-store';
import { PlanReviewService } from '../../planning/plans/plan-review.service';

/** What the ranks traced: kept for the timeline, told to a collector if there is one, and compared with the plan. */
@Injectable()
export class TraceIntakeService {
  constructor(
    private readonly store: TraceStore,
    private readonly tracing: RunTracingService,
    private readonly reviews: PlanReviewService,
  ) {}

  async add(batch: agentV1.TraceBatch): Promise<void> {
    this.store.add(batch);
    this.tracing.traced(batch);
    await this.reviews.traced(batch);
  }
}
