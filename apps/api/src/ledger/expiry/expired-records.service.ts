import { Inject, Injectable } from '@nestjs/common';
import { isThinned } from '../metrics/is-thinned';
import { SeriesRepository } from '../metrics/series.repository';
import { RemovedRunsService } from './removed-runs.service';
import { ExpiredRecordsRepository, type RecordKind } from './expired-records.repository';
import { MetricThinningRepository, type StepSpan, type ThinnableRun } from './metric-thinning.repository';
import { ApiConfig } from '../../ground/config/api-config';
import { LOGGER } from '../../ground/config/api-logger';
import type { Logger } from '@millrace/core';

/** So many rows are deleted by one statement: few enough that nobody has to wait for it. */
const DELETED_COUNT = 5_000;
/** So many steps of one series are thinned by one statement. */
const SPAN_STEPS = 5_000;
/** So many older steps of a run become one point. */
export const SUMMARY_STEPS = 100;
/** A run is thinned after so many further steps, which is often enough. */
const BACKLOG_STEPS_MIN = 1_000;
/** The rest of a long backlog is left to the next command. */
const STATEMENTS_MAX = 500;

/** Keeps records for as long as the settings say, and points of old steps as summaries; it does a little at a time. */
@Injectable()
export class ExpiredRecordsService {
  constructor(
    private readonly records: ExpiredRecordsRepository,
    private readonly thinning: MetricThinningRepository,
    private readonly series: SeriesRepository,
    private readonly removed: RemovedRunsService,
    private readonly config: ApiConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async expire(): Promise<void> {
    await this.removed.purge();
    const { eventDays, logDays, auditDays, profileDays } = this.config.kept;
    await this.deleteOld('events', eventDays);
    await this.deleteOld('logLines', logDays);
    await this.deleteOld('auditEntries', auditDays);
    await this.records.deleteProfiles(profileDays);
    await this.thinRuns();
  }

  private async deleteOld(kind: RecordKind, days: number): Promise<void> {
    let total = 0;
    for (let statement = 0; statement < STATEMENTS_MAX; statement++) {
      const count = await this.records.deleteOldest(kind, { days, count: DELETED_COUNT });
      total += count;
      if (count < DELETED_COUNT) break;
    }
    if (total > 0) this.logger.info({ kind, total, days }, 'records older than they are kept were deleted');
  }

  private async thinRuns(): Promise<void> {
    const { steps } = this.config.kept;
    let statementCount = 0;
    for (const run of await this.thinning.runs(steps + BACKLOG_STEPS_MIN)) {
      const names = (await this.series.names(run.id)).filter(isThinned);
      for (const span of spansOf(run, steps)) {
        if (statementCount >= STATEMENTS_MAX) return;
        for (const name of names) await this.thinning.thin(run.id, name, { ...span, width: SUMMARY_STEPS });
        statementCount += names.length + 1;
        if (!(await this.thinning.thinned(run.id, span))) break;
      }
    }
  }
}

/** The steps of a run that are to be thinned, in whole summaries. */
function spansOf({ step, thinnedStep }: ThinnableRun, keptSteps: number): StepSpan[] {
  const through = Math.floor((step - keptSteps) / SUMMARY_STEPS) * SUMMARY_STEPS;
  const count = Math.max(0, Math.ceil((through - thinnedStep) / SPAN_STEPS));
  return Array.from({ length: count }, (_, index) => {
    const after = thinnedStep + index * SPAN_STEPS;
    return { after, through: Math.min(through, after + SPAN_STEPS) };
  });
}
