import type { Action } from '../action';
import type { ScheduleShape } from './shape';

interface Row {
  readonly chunk: number;
  readonly microBatch: number;
}

/**
 * Interleaved 1F1B (Narayanan et al. 2021, Megatron-LM): v chunks per rank, N micro-batches at a time through each.
 * Megatron's table, for p = 2, N = 3, m = 6, v = 2:
 *
 *   micro-batch  0 1 2 0 1 2 3 4 5 3 4 5
 *   chunk        0 0 0 1 1 1 0 0 0 1 1 1
 *
 * Forward k takes entry k; backward k takes entry k with chunk v-1-c. Rank r begins with 2(p-r-1) + (v-1)N forwards.
 *
 * The table wants full groups. Megatron refuses other m, with good reason: a smaller last group deadlocks for p = 4,
 * v = 3, m = 5. Here the caller drops micro-batches from a full last group, which cannot, and idles less.
 */
export function interleaved(rank: number, shape: ScheduleShape): Action[] {
  const { stagesOfRank, chunks } = shape;
  const table = groupedRows(shape);
  const stages = stagesOfRank[rank] ?? [];
  const warmUp = Math.min(interleavedWarmUp(rank, shape), table.length);
  const actions: Action[] = [];
  for (let slot = 0; slot < table.length + warmUp; slot++) {
    const [forward, backward] = [table[slot], table[slot - warmUp]];
    if (forward) actions.push({ kind: 'F', stage: stages[forward.chunk] ?? 0, microBatch: forward.microBatch });
    if (backward) {
      const stage = stages[chunks - 1 - backward.chunk] ?? 0;
      actions.push({ kind: 'B', stage, microBatch: backward.microBatch });
    }
  }
  return actions;
}

/** With one chunk it is 1f1b, where a gradient is p-r-1 hops away, not 2(p-r-1). */
export function interleavedWarmUp(rank: number, { ranks, chunks, groupSize }: ScheduleShape): number {
  return chunks === 1 ? ranks - rank - 1 : 2 * (ranks - rank - 1) + (chunks - 1) * groupSize;
}

function groupedRows({ chunks, groupSize, microBatches }: ScheduleShape): Row[] {
  const rows: Row[] = [];
  for (let first = 0; first < microBatches; first += groupSize) {
    const last = first + groupSize;
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (let microBatch = first; microBatch < last; microBatch++) rows.push({ chunk, microBatch });
    }
  }
  return rows;
}
