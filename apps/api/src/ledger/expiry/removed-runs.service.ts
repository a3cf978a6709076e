import { Inject, Injectable } from '@nestjs/common';
import { describeError, type Logger } from '@millrace/core';
import { RemovedRunsRepository, RUN_RECORDS } from './removed-runs.repository';
import { LOGGER } from '../../ground/config/api-logger';

/** So many rows are deleted by one statement: few enough that nobody has to wait for it. */
const BATCH_COUNT = 10_000;
/** The rest is left to the next command. */
const STATEMENTS_MAX = 1_000;

/**
 * Deletes, in short statements, what deleted runs left behind; if the process ends in the middle, it is continued
 * later.
 */
@Injectable()
export class RemovedRunsService {
  private purging: Promise<void> | undefined;

  constructor(
    private readonly removed: RemovedRunsRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Begins in the background; if it fails, the next periodic command tries again. */
  begin(): void {
    this.purge().catch((error: unknown) =>
      this.logger.warn({ reason: describeError(error) }, 'records of deleted runs stay until the next pass'),
    );
  }

  /** Only one purge runs in this process. If another replica purges too, a row counts where it was deleted. */
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
