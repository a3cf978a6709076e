import { AppError } from '@millrace/core';

/** A figure that could not be taken, for a reason of the benchmark's own. */
export class BenchError extends AppError {
  constructor(code: `BENCH.${string}`, message: string) {
    super({ code, kind: 'internal', message });
  }
}
