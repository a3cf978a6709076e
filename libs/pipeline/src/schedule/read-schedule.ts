import { csvInvalid } from '../pipeline.errors';
import { parseScheduleCsv } from '../text/csv';
import type { Schedule } from './schedule';
import type { ScheduleOptions } from './schedule-constraints';

/**
 * Reads a schedule that the user brings, which must be compute-only and as large as the run. Throws
 * PIPELINE.CSV_INVALID.
 */
export function readSchedule({ csv = '', ranks, microBatches, chunks }: ScheduleOptions): Schedule {
  const schedule = parseScheduleCsv(csv);
  if (schedule.lowered) {
    throw csvInvalid('write F, I, W and B only: sends, receives, hand-overs and the end of the step are added');
  }
  const same = schedule.ranks === ranks && schedule.microBatches === microBatches;
  if (!same || (chunks ?? schedule.chunks) !== schedule.chunks) {
    throw csvInvalid(
      `it is for ${schedule.ranks} ranks of ${schedule.chunks} chunks and ${schedule.microBatches} micro-batches, ` +
        `and the run has ${ranks} ranks${chunks === undefined ? '' : ` of ${chunks} chunks`} ` +
        `and ${microBatches} micro-batches`,
    );
  }
  return schedule;
}
