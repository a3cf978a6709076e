import { actionDuplicated, actionMisplaced, actionMissing, orderBroken, weightOrderBroken } from './proof.errors';
import { type Action, type ActionKind, NO_MICRO_BATCH } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import type { Schedule } from '../schedule/schedule';

/** A rank's list with the position of every action in it, by its text. */
export interface IndexedRow {
  readonly lowered: Schedule;
  readonly rank: number;
  readonly positions: ReadonlyMap<string, number>;
}

/**
 * Each micro-batch goes F, I, W exactly once per stage, on the rank that holds the stage, and the W of a stage ascend
 * (so that gradients accumulate in one order in every schedule). REDUCE follows every W and STEP follows REDUCE.
 */
export function checkCompute(lowered: Schedule): void {
  for (let rank = 0; rank < lowered.ranks; rank++) {
    const row = indexRow(lowered, rank);
    for (const stage of lowered.stagesOfRank[rank] ?? []) checkStage(row, stage);
    checkEnd(row);
  }
}

/** Also refuses what stands twice or does not belong to the rank. */
export function indexRow(lowered: Schedule, rank: number): IndexedRow {
  const positions = new Map<string, number>();
  (lowered.actions[rank] ?? []).forEach((action, position) => {
    if (!belongs(lowered, rank, action)) throw actionMisplaced(lowered, { rank, position });
    const text = formatAction(action);
    if (positions.has(text)) throw actionDuplicated(lowered, { rank, position });
    positions.set(text, position);
  });
  return { lowered, rank, positions };
}

function belongs(lowered: Schedule, rank: number, action: Action): boolean {
  if (action.kind === 'B' || lowered.rankOfStage[action.stage] !== rank) return false;
  if (action.kind === 'REDUCE' || action.kind === 'STEP') return action.microBatch === NO_MICRO_BATCH;
  return action.microBatch >= 0 && action.microBatch < lowered.microBatches;
}

function checkStage(row: IndexedRow, stage: number): void {
  const { lowered, rank } = row;
  let lastWeight = -1;
  for (let microBatch = 0; microBatch < lowered.microBatches; microBatch++) {
    const [forward, input, weight] = (['F', 'I', 'W'] as const).map((kind) =>
      positionOf(row, { kind, stage, microBatch }),
    ) as [number, number, number];
    if (input < forward) throw orderBroken(lowered, { rank, position: input }, 'stands before its F');
    if (weight < input) throw orderBroken(lowered, { rank, position: weight }, 'stands before its I');
    if (weight < lastWeight) throw weightOrderBroken(lowered, { rank, position: weight });
    lastWeight = weight;
  }
}

function checkEnd(row: IndexedRow): void {
  const { lowered, rank } = row;
  const stage = lowered.stagesOfRank[rank]?.[0] ?? 0;
  const [reduce, step] = (['REDUCE', 'STEP'] as const).map((kind) =>
    positionOf(row, { kind, stage, microBatch: NO_MICRO_BATCH }),
  ) as [number, number];
  if (step < reduce) throw orderBroken(lowered, { rank, position: step }, 'stands before its REDUCE');
  const late = (lowered.actions[rank] ?? []).findIndex((action, index) => action.kind === 'W' && index > reduce);
  if (late >= 0) throw orderBroken(lowered, { rank, position: late }, 'stands after the REDUCE that adds its gradient');
}

function positionOf({ lowered, rank, positions }: IndexedRow, action: Action): number {
  const position = positions.get(formatAction(action));
  if (position === undefined) throw actionMissing(lowered, rank, action);
  return position;
}

/** The compute action that makes what is sent, or needs what is received. */
export const COMPUTE_OF: Readonly<Partial<Record<ActionKind, 'F' | 'I'>>> = {
  SEND_F: 'F',
  RECV_F: 'F',
  SEND_B: 'I',
  RECV_B: 'I',
};
