import { checkEnd } from './check-end';
import { type IndexedRow, positionOf } from './indexed-row';
import { orderBroken, weightOrderBroken } from './proof.errors';

/**
 * Each micro-batch goes F, I, W exactly once per stage, on the rank that holds the stage, and the W of a stage ascend
 * (so that gradients accumulate in one order in every schedule). The end of the step or of each update is in its place.
 */
export function checkCompute(rows: readonly IndexedRow[]): void {
  for (const row of rows) {
    for (const stage of row.lowered.stagesOfRank[row.rank] ?? []) checkStage(row, stage);
    checkEnd(row);
  }
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
