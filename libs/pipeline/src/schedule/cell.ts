import { formatAction } from './action-text';
import type { Schedule } from './schedule';

/** A place in a schedule, which every refusal of the proof names. */
export interface Cell {
  readonly rank: number;
  readonly position: number;
}

const AROUND = 3;

/** Example: `rank 1, cell 4: … 1F1 1RECV_B0 1SEND_F1 [1I0] 1W0 …` */
export function describeCell(schedule: Schedule, cell: Cell): string {
  const row = schedule.actions[cell.rank] ?? [];
  const from = Math.max(0, cell.position - AROUND);
  const to = Math.min(row.length, cell.position + AROUND + 1);
  const texts = row.slice(from, to).map((action, offset) => {
    const text = formatAction(action);
    return from + offset === cell.position ? `[${text}]` : text;
  });
  const drawn = `${from > 0 ? '… ' : ''}${texts.join(' ')}${to < row.length ? ' …' : ''}`;
  return `rank ${cell.rank}, cell ${cell.position}: ${drawn}`;
}
