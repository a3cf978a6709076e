import { partitionImpossible } from './pipeline.errors';

/** What the stages cost; all numbers have one unit (time, FLOPs or bytes of one micro-batch). */
export interface PartitionCosts {
  /** The cost of each layer. */
  readonly layers: readonly number[];
  /** Added to the first stage: embeddings. */
  readonly embedding?: number;
  /** Added to the last stage: final norm, head and loss. */
  readonly head?: number;
  /** Work per time of each stage's device; all are equal if this is absent. */
  readonly speeds?: readonly number[];
}

/** Bounds the O(layers² · stages) search. */
const MAX_LAYERS = 1024;

/**
 * Computes the layers per stage. Without costs the split is even, and the remainder goes to the middle (the ends carry
 * embedding and head). With costs it is the contiguous split whose slowest stage is fastest; of equal ones, the one
 * with the smaller sum of squared stage times. Throws PIPELINE.PARTITION_IMPOSSIBLE, for instance when there are more
 * stages than layers.
 */
export function partitionLayers(layers: number, stages: number, costs?: PartitionCosts): number[] {
  checkRequest(layers, stages, costs);
  return costs === undefined ? evenSplit(layers, stages) : fastestSplit(stages, costs);
}

function checkRequest(layers: number, stages: number, costs: PartitionCosts | undefined): void {
  const whole = Number.isInteger(layers) && Number.isInteger(stages) && layers >= 1 && stages >= 1;
  if (!whole || layers > MAX_LAYERS) {
    throw partitionImpossible(
      `${layers} layers over ${stages} stages: both must be whole numbers, ` +
        `with 1 to ${MAX_LAYERS} layers and at least 1 stage`,
    );
  }
  if (stages > layers) {
    throw partitionImpossible(`${stages} stages need at least ${stages} layers and the model has ${layers}: lower pp`);
  }
  if (costs === undefined) return;
  const lengthsFit = costs.layers.length === layers && (costs.speeds?.length ?? stages) === stages;
  const numbers = [...costs.layers, costs.embedding ?? 0, costs.head ?? 0];
  if (!lengthsFit || numbers.some((cost) => !(cost >= 0)) || costs.speeds?.some((speed) => !(speed > 0))) {
    throw partitionImpossible(`costs must be ${layers} numbers of at least 0 and speeds ${stages} numbers above 0`);
  }
}

function evenSplit(layers: number, stages: number): number[] {
  const each = Math.floor(layers / stages);
  const extra = layers % stages;
  const first = Math.floor((stages - extra) / 2);
  return Array.from({ length: stages }, (_, stage) => each + (stage >= first && stage < first + extra ? 1 : 0));
}

interface Split {
  readonly slowest: number;
  readonly squares: number;
  readonly counts: readonly number[];
}

/** Dynamic program over prefixes: `best[n]` is the best split of the first n layers over the stages so far. */
function fastestSplit(stages: number, costs: PartitionCosts): number[] {
  const prefix = [0];
  for (const cost of costs.layers) prefix.push((prefix.at(-1) ?? 0) + cost);
  const layers = costs.layers.length;
  let best: (Split | undefined)[] = [{ slowest: 0, squares: 0, counts: [] }];
  for (let stage = 0; stage < stages; stage++) {
    const fixed = (stage === 0 ? (costs.embedding ?? 0) : 0) + (stage === stages - 1 ? (costs.head ?? 0) : 0);
    const speed = costs.speeds?.[stage] ?? 1;
    const next: (Split | undefined)[] = [];
    for (let end = stage + 1; end <= layers - (stages - 1 - stage); end++) {
      for (let start = stage; start < end; start++) {
        const time = ((prefix[end] ?? 0) - (prefix[start] ?? 0) + fixed) / speed;
        next[end] = better(next[end], best[start], { time, count: end - start });
      }
    }
    best = next;
  }
  return [...(best[layers]?.counts ?? [])];
}

interface LastStage {
  readonly time: number;
  readonly count: number;
}

function better(kept: Split | undefined, before: Split | undefined, last: LastStage): Split | undefined {
  if (before === undefined) return kept;
  const { time, count } = last;
  const slowest = Math.max(before.slowest, time);
  const squares = before.squares + time * time;
  const wins = kept === undefined || slowest < kept.slowest || (slowest === kept.slowest && squares < kept.squares);
  return wins ? { slowest, squares, counts: [...before.counts, count] } : kept;
}
