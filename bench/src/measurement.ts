/** One row of bench/results.json. */
export interface Measurement {
  readonly ours: number;
  readonly peer: number | null;
  /** ours over peer, the least over sizes where there are several. */
  readonly ratio: number | null;
  readonly unit: string;
  /** How it was measured, and the figures per size. */
  readonly by: unknown;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export interface SizeResult {
  readonly size: number;
  readonly ours: number;
  readonly peer: number;
  readonly ratio: number;
}

/** Several sizes as one row: the figures are those of the size with the least ratio. */
export function leastOverSizes(unit: string, rows: readonly SizeResult[], how: string): Measurement {
  const worst = rows.reduce((least, row) => (row.ratio < least.ratio ? row : least));
  return { ours: worst.ours, peer: worst.peer, ratio: worst.ratio, unit, by: { how, sizes: rows } };
}
