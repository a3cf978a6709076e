import type { Schedule, Simulation } from '@millrace/pipeline';
import { type GanttRow, rowsOf } from './gantt-model';

/** A simulated step as rows; times keep the simulation's unit. */
export function scheduleRows(schedule: Schedule, { actions }: Simulation): GanttRow[] {
  const spans = actions.flatMap((row, rank) =>
    row.map(({ action: { kind, stage, microBatch }, start, end }) => ({
      rank,
      kind,
      microBatch,
      chunk: schedule.stagesOfRank[rank]?.indexOf(stage) ?? 0,
      startUs: start,
      durationUs: end - start,
    })),
  );
  return rowsOf(spans, 0);
}
