import { alreadyLowered } from '../pipeline.errors';
import { NO_MICRO_BATCH, type Action } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import type { Schedule } from '../schedule/schedule';
import { type TimetableCell, expandCells } from './expand-cells';
import { computeAt, transferOf } from './transfer';

/** Position of each compute action's cell in its rank's list, by its text. */
type Positions = ReadonlyMap<string, number>;

/**
 * Adds sends, receives, local hand-overs, REDUCE and STEP, and writes every B as I, W.
 *
 * A SEND stands directly after what makes its tensor and a RECV directly before what needs it, so that everything in
 * between overlaps the transfer. Where both meet in one gap between the same two ranks, the RECV of the lower rank
 * comes first if its peer sends first: then not even a link without any buffer deadlocks in 1f1b and gpipe
 * (torch.distributed.pipelining has the same rule). A RECV asks for a tensor and does not hold the rank up; the
 * compute action after it waits.
 *
 *   1f1b, middle rank:  RECV_F k  F k  RECV_B j  SEND_F k  I j  W j  SEND_B j  RECV_F k+1 …      (from B)
 *                       RECV_F k  F k  RECV_B j  SEND_F k  I j  SEND_B j  W j  RECV_F k+1 …      (from I, W)
 *
 * Two neighbouring stages of one rank hand over by LOCAL_F and LOCAL_B. A schedule that flushes ends with REDUCE and
 * STEP; one that does not has a STEP after the last W of each update.
 *
 * Throws PIPELINE.ALREADY_LOWERED.
 */
export function lowerSchedule(schedule: Schedule): Schedule {
  if (schedule.lowered) throw alreadyLowered(schedule.name);
  const cells = schedule.actions.map((row) => expandCells(schedule, row));
  const positions: Positions = new Map(
    cells.flatMap((list) =>
      list.flatMap(({ compute }, index) => compute.map((action): [string, number] => [formatAction(action), index])),
    ),
  );
  const flushes = schedule.updates.mode === 'flush';
  return {
    ...schedule,
    lowered: true,
    actions: cells.map((list, rank) => [
      ...interleave(schedule, list, positions),
      ...(flushes ? endOfStep(schedule, rank) : []),
    ]),
  };
}

function interleave(schedule: Schedule, cells: readonly TimetableCell[], positions: Positions): Action[] {
  const actions: Action[] = [];
  let pending: readonly Action[] = [];
  for (const { compute, before, after } of cells) {
    const first = before.filter((receive) =>
      pending.some((send) => receivesFirst(schedule, { send, receive, positions })),
    );
    actions.push(...first, ...pending, ...before.filter((receive) => !first.includes(receive)), ...compute);
    pending = after;
  }
  return [...actions, ...pending];
}

interface Meeting {
  readonly send: Action;
  readonly receive: Action;
  readonly positions: Positions;
}

/**
 * Whether the peer makes what is received here before it takes what is sent from here. The peer sees the same situation
 * from its side, and only one of the two may give way: the lower rank does.
 */
function receivesFirst(schedule: Schedule, { send, receive, positions }: Meeting): boolean {
  const [leaving, arriving] = [transferOf(send), transferOf(receive)];
  if (leaving === undefined || arriving === undefined) return false;
  const peer = schedule.rankOfStage[leaving.toStage];
  if (peer !== schedule.rankOfStage[arriving.fromStage] || !isBelow(schedule, send.stage, peer)) return false;
  const produced = positions.get(formatAction(computeAt(receive, arriving.fromStage)));
  const consumed = positions.get(formatAction(computeAt(send, leaving.toStage)));
  return produced !== undefined && consumed !== undefined && produced < consumed;
}

function isBelow(schedule: Schedule, stage: number, peer: number | undefined): boolean {
  return peer !== undefined && (schedule.rankOfStage[stage] ?? 0) < peer;
}

function endOfStep(schedule: Schedule, rank: number): Action[] {
  const stage = schedule.stagesOfRank[rank]?.[0] ?? 0;
  return [
    { kind: 'REDUCE', stage, microBatch: NO_MICRO_BATCH },
    { kind: 'STEP', stage, microBatch: NO_MICRO_BATCH },
  ];
}
