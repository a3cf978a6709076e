import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { LinkReportsService } from '../../planning/profiling/link-reports.service';
import { ProfileRequestsService } from '../../planning/profiling/profile-requests.service';
import type { SessionIdentity } from '../../ledger/sessions/agent-session';
import { TraceIntakeService } from './trace-intake.service';
import { PlanReviewService } from '../../planning/plans/plan-review.service';

/** Takes everything that agents measure and a planner learns from. None of it is acknowledged. */
@Injectable()
export class PlannerReportsService {
  constructor(
    private readonly traces: TraceIntakeService,
    private readonly reviews: PlanReviewService,
    private readonly profiles: ProfileRequestsService,
    private readonly links: LinkReportsService,
  ) {}

  /** Traces are for looking at, too: they are kept in memory. */
  async traced(batch: agentV1.TraceBatch): Promise<void> {
    this.traces.add(batch);
    await this.reviews.traced(batch);
  }

  layersMeasured(session: SessionIdentity, answer: agentV1.LayerProfile): Promise<void> {
    return this.profiles.answered(session, answer);
  }

  linkMeasured(session: SessionIdentity, link: agentV1.LinkMeasured): Promise<void> {
    return this.links.measured(session, link);
  }
}
