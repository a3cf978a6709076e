import { Inject, Injectable } from '@nestjs/common';
import { AppError, describeError, type Logger } from '@millrace/core';
import type { MeasuredStep } from '@millrace/pipeline';
import { LOGGER } from '../../ground/config/api-logger';
import type { AttemptComparison, AttemptRecord } from '../../ledger/runs/attempt-record';
import { LearnedLayersService } from '../profiling/learned-layers.service';
import { PlanningThreads } from './planning-threads';

/** What a plan said beside what was measured, and what that tells of the devices. */
@Injectable()
export class PlanComparisonsService {
  constructor(
    private readonly threads: PlanningThreads,
    private readonly learned: LearnedLayersService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Undefined when nothing was planned, or the plan cannot be made again. */
  async compare(
    { runId, fence, plan }: AttemptRecord,
    measured: MeasuredStep,
    step: number,
  ): Promise<AttemptComparison | undefined> {
    try {
      return await this.threads.ask('questions', 'compare', { attempt: { plan }, measured, step });
    } catch (error) {
      // It is no reason to disturb a run that goes on well.
      if (!(error instanceof AppError)) throw error;
      this.logger.warn({ runId, fence, reason: describeError(error) }, 'the plan was not compared');
      return undefined;
    }
  }

  /** For the next run of such a model on such devices. */
  async keep(attempt: AttemptRecord, layers: AttemptComparison['corrected']): Promise<void> {
    await this.learned.learn(attempt, layers);
  }
}
