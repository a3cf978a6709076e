import { AppError, describeError } from '@millrace/core';

export type GpuUnit = 'GFLOP/s' | 'GB/s' | 'ms' | 'of the bound' | 'of the usual time';

/** Why there is no figure: a code of Millrace's errors, or one of this benchmark's own. */
export interface GpuProblem {
  readonly code: string;
  readonly message: string;
}

/** A figure of one section, found again by its name in what peers print. */
export interface GpuRow {
  readonly name: string;
  readonly unit: GpuUnit;
  /** Null where there is a problem instead. */
  readonly ours: number | null;
  readonly problem?: GpuProblem;
  /** What the adapter reaches at most, in the same unit. */
  readonly ceiling?: number;
  /** Whatever else was measured. */
  readonly detail?: Readonly<Record<string, number | string>>;
}

const LENGTH_MAX = 600;

/** Names what went wrong: a lost device, memory that ran out, a command that was refused, or a mistake. */
export function problemOf(error: unknown): GpuProblem {
  const code = error instanceof AppError ? error.code : 'BENCH.FAILED';
  return { code, message: describeError(error).slice(0, LENGTH_MAX) };
}
