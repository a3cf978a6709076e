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
  let splits: (Split | undefined)[] = [{ heaviest: 0, lightest: Infinity, counts: [] }];
  for (let part = 0; part < parts; part++) {
    const next: (Split | undefined)[] = [];
    for (let end = part + 1; end <= weights.length; end++) {
      for (let start = part; start < end; start++) {
        const before = splits[start];
        if (before === undefined) continue;
        const split = withPart(before, prefix[end]! - prefix[start]!, end - start);
        if (difference(split) <= difference(next[end])) next[end] = split;
      }
    }
    splits = next;
  }
  return [...(splits[weights.length]?.counts ?? [])];
}

interface Split {
  readonly heaviest: number;
  readonly lightest: number;
  readonly counts: readonly number[];
}

function withPart({ heaviest, lightest, counts }: Split, weight: number, count: number): Split {
  return {
    heaviest: Math.max(heaviest, weight),
    lightest: Math.min(lightest, weight),
    counts: [...counts, count],
  };
}

function difference(split: Split | undefined): number {
  return split === undefined ? Infinity : split.heaviest - split.lightest;
}
