import type { Action } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import { type IndexedRow, positionOf } from './indexed-row';
import { orderBroken } from './proof.errors';

/** Neighbouring stages of one rank hand every tensor over once, after it is made and before it is needed. */
export function checkLocal(rows: readonly IndexedRow[]): void {
  for (const row of rows) {
    const { lowered, rank } = row;
    for (const stage of lowered.stagesOfRank[rank] ?? []) {
      if (lowered.rankOfStage[stage + 1] !== rank) continue;
      for (let microBatch = 0; microBatch < lowered.microBatches; microBatch++) {
        checkHandOver(row, { kind: 'LOCAL_F', stage, microBatch });
        checkHandOver(row, { kind: 'LOCAL_B', stage: stage + 1, microBatch });
      }
    }
    checkNeighbours(row);
  }
}

function checkHandOver(row: IndexedRow, handOver: Action): void {
  const { lowered, rank, positions } = row;
  const position = positionOf(row, handOver);
  const { kind, stage, microBatch } = handOver;
  const compute = kind === 'LOCAL_F' ? 'F' : 'I';
  const taker = kind === 'LOCAL_F' ? stage + 1 : stage - 1;
  const made = positions.get(formatAction({ kind: compute, stage, microBatch })) ?? -1;
  const needed = positions.get(formatAction({ kind: compute, stage: taker, microBatch })) ?? Infinity;
  if (position < made) throw orderBroken(lowered, { rank, position }, 'stands before what makes its tensor');
  if (position > needed) throw orderBroken(lowered, { rank, position }, 'stands after what needs its tensor');
}

/** A hand-over to a stage that lives elsewhere would never arrive. */
function checkNeighbours({ lowered, rank }: IndexedRow): void {
  (lowered.actions[rank] ?? []).forEach(({ kind, stage }, position) => {
    const taker = kind === 'LOCAL_F' ? stage + 1 : kind === 'LOCAL_B' ? stage - 1 : undefined;
    if (taker === undefined || lowered.rankOfStage[taker] === rank) return;
    throw orderBroken(lowered, { rank, position }, `hands over to stage ${taker}, which this rank does not have`);
  });
}
