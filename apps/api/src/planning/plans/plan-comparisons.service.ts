import { Inject, Injectable } from '@nestjs/common';
import { AppError, describeError, type Logger } from '@millrace/core';
import type { MeasuredStep } from '@millrace/pipeline';
import { LOGGER } from '../../ground/config/api-logger';
import type { AttemptComparison, AttemptRecord } from '../../ledger/runs/attempt-record';
import { PlanningThreads } from './planning-threads';

/** What a plan said beside what was measured. */
@Injectable()
export class PlanComparisonsService {
  constructor(
    private readonly threads: PlanningThreads,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Undefined when nothing was planned, or when the plan cannot be made again. */
  async compare(
    { runId, fence, plan }: AttemptRecord,
    measured: MeasuredStep,
    step: number,
  ): Promise<AttemptComparison | undefined> {
    try {
      return await this.threads.ask('questions', 'compare', { attempt: { plan }, measured, step });
    } catch (error) {
      // A failure here must not disturb a run that is going well.
      if (!(error instanceof AppError)) throw error;
      this.logger.warn({ runId, fence, reason: describeError(error) }, 'the plan was not compared');
      return undefined;
    }
  }
}
