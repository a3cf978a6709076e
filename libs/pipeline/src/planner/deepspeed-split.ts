import { traceCounts } from './search/split-layers';

/**
 * Layers per part by the rule that DeepSpeed's `partition_method: parameters` applies: a dynamic program in
 * O(layers^2 * parts) that makes the difference of the heaviest and the lightest part small, ties to the later cut. It
 * knows parameters and nothing of devices, and a small difference is not a small maximum: a plan shows it beside its
 * own split. As there, a prefix keeps one best split per number of parts, so the difference is not always the least.
 *
 * At least as many weights as parts.
 */
export function deepspeedSplit(weights: readonly number[], parts: number): number[] {
  const prefix = [0];
  for (const weight of weights) prefix.push(prefix.at(-1)! + weight);
  const starts: Int32Array[] = [];
  let splits = new Splits(weights.length);
  splits.set(0, 0, Infinity);
  for (let part = 0; part < parts; part++) {
    const next = new Splits(weights.length);
    const from = new Int32Array(weights.length + 1);
    for (let end = part + 1; end <= weights.length; end++) {
      for (let start = part; start < end; start++) {
        const weight = prefix[end]! - prefix[start]!;
        const heaviest = Math.max(splits.heaviest[start]!, weight);
        const lightest = Math.min(splits.lightest[start]!, weight);
        if (!(heaviest - lightest <= next.difference(end))) continue;
        next.set(end, heaviest, lightest);
        from[end] = start;
      }
    }
    splits = next;
    starts.push(from);
  }
  return traceCounts(starts, weights.length);
}

/** For each prefix, the heaviest and the lightest part of its best split; Infinity and 0 if it has no split. */
class Splits {
  readonly heaviest: Float64Array;
  readonly lightest: Float64Array;

  constructor(layers: number) {
    this.heaviest = new Float64Array(layers + 1).fill(Infinity);
    this.lightest = new Float64Array(layers + 1);
  }

  set(end: number, heaviest: number, lightest: number): void {
    this.heaviest[end] = heaviest;
    this.lightest[end] = lightest;
  }

  difference(end: number): number {
    return this.heaviest[end]! - this.lightest[end]!;
  }
}
