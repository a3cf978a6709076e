import { AppError } from '@millrace/core';

export function profilingLate(limitMs: number): AppError {
  return new AppError({
    code: 'AGENT.PROFILING_LATE',
    kind: 'unavailable',
    message: `layers were not measured within ${limitMs / 1000} s: the device does not finish its work; look at its driver's log`,
  });
}
