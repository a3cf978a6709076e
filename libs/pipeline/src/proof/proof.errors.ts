import { AppError } from '@millrace/core';
import type { Action } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import { type Cell, describeCell } from '../schedule/cell';
import type { Schedule } from '../schedule/schedule';

interface Place {
  readonly schedule: Schedule;
  readonly cell: Cell;
}

/** Makes the errors of the proof: each names the cell, draws its row and has the details {rank, position, action}. */
function errorAtCell(code: string, { schedule, cell }: Place, rule: string): AppError {
  const text = actionAt(schedule, cell);
  return new AppError({
    code: `PIPELINE.${code}`,
    kind: 'invalid',
    message: `schedule ${schedule.name}: ${text} ${rule} (${describeCell(schedule, cell)})`,
    details: { ...cell, action: text },
  });
}

function actionAt(schedule: Schedule, cell: Cell | undefined): string {
  const action = cell && schedule.actions[cell.rank]?.[cell.position];
  return action === undefined ? 'the end' : formatAction(action);
}

/** The action is of another rank's stage or of a micro-batch out of range, or it is a B in a lowered list. */
export function actionMisplaced(schedule: Schedule, cell: Cell): AppError {
  const stages = schedule.stagesOfRank[cell.rank]?.join(', ') ?? '';
  const rule =
    `does not belong here: rank ${cell.rank} has stage ${stages}, micro-batches are 0 to ` +
    `${schedule.microBatches - 1}, and a lowered list has I and W in place of B`;
  return errorAtCell('ACTION_MISPLACED', { schedule, cell }, rule);
}

export function actionDuplicated(schedule: Schedule, cell: Cell): AppError {
  return errorAtCell('ACTION_DUPLICATED', { schedule, cell }, 'stands here a second time');
}

export function actionMissing(schedule: Schedule, rank: number, action: Action): AppError {
  const text = formatAction(action);
  return new AppError({
    code: 'PIPELINE.ACTION_MISSING',
    kind: 'invalid',
    message: `schedule ${schedule.name}: ${text} is missing on rank ${rank}: each must stand there exactly once`,
    details: { rank, action: text },
  });
}

export function orderBroken(schedule: Schedule, cell: Cell, rule: string): AppError {
  return errorAtCell('ORDER_BROKEN', { schedule, cell }, rule);
}

/** Gradients would add up in another order than on one rank, and the result would differ in its last bits. */
export function weightOrderBroken(schedule: Schedule, cell: Cell): AppError {
  const rule = 'stands before the W of a smaller micro-batch of its stage: W must ascend, for bit-exact sums';
  return errorAtCell('WEIGHT_ORDER_BROKEN', { schedule, cell }, rule);
}

export function transferUnmatched(schedule: Schedule, cell: Cell, rule: string): AppError {
  return errorAtCell('TRANSFER_UNMATCHED', { schedule, cell }, `has no other end: ${rule}`);
}

export function receiveOrderBroken(schedule: Schedule, cell: Cell, send: Cell): AppError {
  const rule = `is not what its channel delivers next: its sends stand differently (${describeCell(schedule, send)})`;
  return errorAtCell('RECEIVE_ORDER_BROKEN', { schedule, cell }, rule);
}

export function bufferExceeded(schedule: Schedule, cell: Cell): AppError {
  const rule = `begins one more micro-batch than the ${schedule.inFlightLimit[cell.rank]} that may be in flight here`;
  return errorAtCell('BUFFER_EXCEEDED', { schedule, cell }, rule);
}

export function deadlock(schedule: Schedule, slots: number, stuck: readonly Cell[]): AppError {
  const [first] = stuck;
  const links = slots === Infinity ? 'links of any size' : `links of ${slots} tensors`;
  const rows = stuck.slice(0, 8).map((cell) => describeCell(schedule, cell));
  return new AppError({
    code: 'PIPELINE.DEADLOCK',
    kind: 'invalid',
    message:
      `schedule ${schedule.name} deadlocks on ${links}: ${stuck.length} of ${schedule.ranks} ranks ` +
      `wait for each other for ever at ${rows.join('; ')}`,
    details: { ...first, action: actionAt(schedule, first), slots, stuck },
  });
}
