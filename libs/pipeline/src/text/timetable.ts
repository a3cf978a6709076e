import { lowerSchedule } from '../lower/lower-schedule';
import type { Action } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import type { Schedule } from '../schedule/schedule';
import type { ScheduleTimes } from '../simulate/schedule-times';
import { type Simulation, simulateSchedule, type TimedAction } from '../simulate/simulate-schedule';

/** Wider tables are drawn with coarser columns. */
const MAX_COLUMNS = 4096;

/**
 * The simulated step as text, one row per rank and one column per shortest action; `..` is idle and `--` goes on with
 * the action before it:
 *
 *   rank 0 | F0 F1 .. .. .. I0 W0 ..
 *
 * An overlapped pair [F+B], which is one action, is joined by `+`. Each row ends without trailing space. Takes a
 * compute-only or a lowered schedule.
 */
export function formatTimetable(schedule: Schedule, times: ScheduleTimes): string {
  const simulation = simulateSchedule(schedule.lowered ? schedule : lowerSchedule(schedule), times);
  const unit = columnTime(simulation);
  const texts = simulation.actions.flat().map(({ action }) => cellText(schedule, action));
  const width = texts.reduce((widest, text) => Math.max(widest, text.length), 2);
  const columns = Math.round(simulation.stepTime / unit);
  const rankWidth = String(schedule.ranks - 1).length;
  return simulation.actions
    .map((row, rank) => {
      const cells = drawRow(schedule, row, { unit, columns });
      const drawn = cells
        .map(({ text, goesOn }) => `${text.padEnd(width)}${goesOn ? '+' : ' '}`)
        .join('')
        .trimEnd();
      return `rank ${String(rank).padStart(rankWidth)} | ${drawn}\n`;
    })
    .join('');
}

/** The text of a cell; the stage is left out if it equals the rank. */
export function cellText(schedule: Schedule, action: Action): string {
  return schedule.chunks === 1 ? `${action.kind}${action.microBatch}` : formatAction(action);
}

function columnTime(simulation: Simulation): number {
  const durations = simulation.actions.flat().map(({ start, end }) => end - start);
  const shortest = durations.reduce((least, time) => (time > 0 ? Math.min(least, time) : least), Infinity);
  if (!Number.isFinite(shortest)) return 1;
  return Math.max(shortest, simulation.stepTime / MAX_COLUMNS);
}

interface Drawn {
  readonly text: string;
  /** Whether the next column belongs to the same overlapped pair. */
  readonly goesOn: boolean;
}

function drawRow(schedule: Schedule, row: readonly TimedAction[], grid: { unit: number; columns: number }): Drawn[] {
  const cells = Array.from({ length: grid.columns }, (): Drawn => ({ text: '..', goesOn: false }));
  let pairEnd = 0;
  row.forEach(({ action, start, end }, index) => {
    const first = Math.round(start / grid.unit);
    const last = Math.max(first + 1, Math.round(end / grid.unit));
    if (action.overlaps !== undefined) pairEnd = Math.round((row[index + 2]?.end ?? end) / grid.unit);
    for (let column = first; column < Math.min(last, grid.columns); column++) {
      const text = column === first ? cellText(schedule, action) : '--';
      cells[column] = { text, goesOn: column + 1 < pairEnd };
    }
  });
  return cells;
}
