import { Inject, Injectable } from '@nestjs/common';
import { describeError, type Logger } from '@millrace/core';
import { RemovedRunsRepository, RUN_RECORDS } from './removed-runs.repository';
import { LOGGER } from '../../ground/config/api-logger';

/** Rows of one statement: so short that nobody waits for it. */
const BATCH_COUNT = 10_000;
/** The rest is done by the next command. */
const STATEMENTS_MAX = 1_000;

/** Deletes what runs that are gone left behind, in short statements; one that dies in the middle is continued. */
@Injectable()
export class RemovedRunsService {
  private purging: Promise<void> | undefined;

  constructor(
    private readonly removed: RemovedRunsRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Begins without being waited for; what fails is done by the next periodic command. */
  begin(): void {
    this.purge().catch((error: unknown) =>
      this.logger.warn({ reason: describeError(error) }, 'records of deleted runs stay until the next pass'),
    );
  }

  /** One at a time in this process; beside another replica the rows are only counted by whoever deletes them. */
  async purge(): Promise<void> {
    await this.purging?.catch(() => undefined);
    this.purging ??= this.purgeAll().finally(() => (this.purging = undefined));
    return this.purging;
  }

  private async purgeAll(): Promise<void> {
    let statementCount = 0;
    for (const runId of await this.removed.all()) {
      for (const records of RUN_RECORDS) {
        let deletedCount: number;
        do {
          if (++statementCount > STATEMENTS_MAX) return;
          deletedCount = await this.removed.deleteSome(records, runId, BATCH_COUNT);
        } while (deletedCount === BATCH_COUNT);
      }
      await this.removed.forget(runId);
      this.logger.info({ runId }, 'the records of a deleted run are gone');
    }
  }
}
