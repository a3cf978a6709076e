import { alreadyLowered } from '../pipeline.errors';
import { NO_MICRO_BATCH, type Action } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import type { Schedule } from '../schedule/schedule';

/** A compute action with what must arrive before it and what leaves after it. */
interface Cell {
  readonly action: Action;
  readonly receive?: Action;
  readonly send?: Action;
}

/** Position of each compute action in its rank's list, by its text. */
type Positions = ReadonlyMap<string, number>;

/**
 * Adds sends, receives, REDUCE and STEP, and writes every B as I, W.
 *
 * A SEND stands directly after what makes its tensor and a RECV directly before what needs it, so that everything in
 * between overlaps the transfer. Where both meet in one gap between the same two ranks, the lower rank receives first
 * if its peer sends first: then not even a link without any buffer deadlocks (torch.distributed.pipelining has the
 * same rule). A RECV asks for a tensor and does not hold the rank up; the compute action after it waits.
 *
 *   1f1b, middle rank:  RECV_F k  F k  RECV_B j  SEND_F k  I j  W j  SEND_B j  RECV_F k+1 …      (from B)
 *                       RECV_F k  F k  RECV_B j  SEND_F k  I j  SEND_B j  W j  RECV_F k+1 …      (from I, W)
 *
 * Throws PIPELINE.ALREADY_LOWERED.
 */
export function lowerSchedule(schedule: Schedule): Schedule {
  if (schedule.lowered) throw alreadyLowered(schedule.name);
  const cells = schedule.actions.map((list) => list.flatMap((action) => expand(schedule, action)));
  const positions: Positions = new Map(
    cells.flatMap((list) => list.map((cell, index): [string, number] => [formatAction(cell.action), index])),
  );
  return {
    ...schedule,
    lowered: true,
    actions: cells.map((list, rank) => [...interleave(list, positions), ...endOfStep(schedule, rank)]),
  };
}

function expand(schedule: Schedule, action: Action): Cell[] {
  const { stage } = action;
  const receiveF = remote(schedule, stage, stage - 1) ? { ...action, kind: 'RECV_F' as const } : undefined;
  const sendB = receiveF && { ...action, kind: 'SEND_B' as const };
  const receiveB = remote(schedule, stage, stage + 1) ? { ...action, kind: 'RECV_B' as const } : undefined;
  const sendF = receiveB && { ...action, kind: 'SEND_F' as const };
  switch (action.kind) {
    case 'F':
      return [{ action, receive: receiveF, send: sendF }];
    case 'I':
      return [{ action, receive: receiveB, send: sendB }];
    case 'B':
      return [
        { action: { ...action, kind: 'I' }, receive: receiveB },
        { action: { ...action, kind: 'W' }, send: sendB },
      ];
    default:
      return [{ action }];
  }
}

/** Whether the neighbour exists and lives on another rank: only then does a tensor travel. */
function remote(schedule: Schedule, stage: number, neighbour: number): boolean {
  const exists = neighbour >= 0 && neighbour < schedule.stages;
  return exists && schedule.rankOfStage[neighbour] !== schedule.rankOfStage[stage];
}

function interleave(cells: readonly Cell[], positions: Positions): Action[] {
  const actions: Action[] = [];
  let pending: Action | undefined;
  for (const { action, receive, send } of cells) {
    if (pending !== undefined && receive !== undefined && receivesFirst(pending, receive, positions)) {
      actions.push(receive, pending);
    } else {
      if (pending !== undefined) actions.push(pending);
      if (receive !== undefined) actions.push(receive);
    }
    actions.push(action);
    pending = send;
  }
  return pending === undefined ? actions : [...actions, pending];
}

/** Only SEND_F with RECV_B of the same stage can meet so; the peer is the rank of the next stage. */
function receivesFirst(send: Action, receive: Action, positions: Positions): boolean {
  if (send.kind !== 'SEND_F' || receive.kind !== 'RECV_B' || send.stage !== receive.stage) return false;
  const peer = send.stage + 1;
  const produced = positions.get(formatAction({ kind: 'I', stage: peer, microBatch: receive.microBatch }));
  const consumed = positions.get(formatAction({ kind: 'F', stage: peer, microBatch: send.microBatch }));
  return produced !== undefined && consumed !== undefined && produced < consumed;
}

function endOfStep(schedule: Schedule, rank: number): Action[] {
  const stage = schedule.stagesOfRank[rank]?.[0] ?? 0;
  return [
    { kind: 'REDUCE', stage, microBatch: NO_MICRO_BATCH },
    { kind: 'STEP', stage, microBatch: NO_MICRO_BATCH },
  ];
}
