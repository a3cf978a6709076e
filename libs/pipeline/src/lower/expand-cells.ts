import type { Action, ActionKind } from '../schedule/action';
import type { Schedule } from '../schedule/schedule';

/** A cell that is computed as one, with what must arrive before it and what leaves after it. */
export interface TimetableCell {
  readonly compute: readonly Action[];
  readonly before: readonly Action[];
  readonly after: readonly Action[];
}

/** A rank's compute actions as cells; an overlapped [F+B] is one, whose tensors all leave at its end. */
export function expandCells(schedule: Schedule, row: readonly Action[]): TimetableCell[] {
  const overlapped = new Set(row.flatMap(({ overlaps }) => (overlaps === undefined ? [] : [overlaps])));
  return row
    .filter((action) => !overlapped.has(action))
    .map((action) => {
      const cell = expand(schedule, action);
      return action.overlaps === undefined ? cell : joined(cell, expand(schedule, action.overlaps));
    });
}

function joined(first: TimetableCell, second: TimetableCell): TimetableCell {
  return {
    compute: [...first.compute, ...second.compute],
    before: [...first.before, ...second.before],
    after: [...first.after, ...second.after],
  };
}

function expand(schedule: Schedule, action: Action): TimetableCell {
  const { kind, stage, microBatch } = action;
  const beside = (neighbour: number, remote: ActionKind, local?: ActionKind): Action[] => {
    const chosen = placeOf(schedule, stage, neighbour) === 'remote' ? remote : local;
    const exists = neighbour >= 0 && neighbour < schedule.stages;
    return exists && chosen !== undefined ? [{ kind: chosen, stage, microBatch }] : [];
  };
  const forwardIn = (): Action[] => beside(stage - 1, 'RECV_F');
  const forwardOut = (): Action[] => beside(stage + 1, 'SEND_F', 'LOCAL_F');
  const backwardIn = (): Action[] => beside(stage + 1, 'RECV_B');
  const backwardOut = (): Action[] => beside(stage - 1, 'SEND_B', 'LOCAL_B');
  const update = stepAfter(schedule, action);
  switch (kind) {
    case 'F':
      return { compute: [action], before: forwardIn(), after: forwardOut() };
    case 'I':
      return { compute: [action], before: backwardIn(), after: backwardOut() };
    case 'B':
      return {
        compute: [
          { kind: 'I', stage, microBatch },
          { kind: 'W', stage, microBatch },
        ],
        before: backwardIn(),
        after: [...backwardOut(), ...update],
      };
    default:
      return { compute: [action], before: [], after: update };
  }
}

function placeOf(schedule: Schedule, stage: number, neighbour: number): 'local' | 'remote' {
  return schedule.rankOfStage[neighbour] === schedule.rankOfStage[stage] ? 'local' : 'remote';
}

/** Without a flush each stage updates by itself, right after the last gradient of the update. */
function stepAfter({ updates }: Schedule, { stage, microBatch }: Action): Action[] {
  const last = updates.mode !== 'flush' && (microBatch + 1) % updates.microBatches === 0;
  return last ? [{ kind: 'STEP', stage, microBatch }] : [];
}
