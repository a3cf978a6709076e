import type { Clock } from '@millrace/core';
import type { Program } from '@millrace/kernels';
import type { WebGpuBackend } from '../webgpu/webgpu-backend';
import { type MeasuredChoice, tune } from './tune';
import { tuningCases } from './tuning-cases';

export interface TuneBackendOptions {
  readonly boundMs: number;
  readonly stopped: () => boolean;
  readonly clock: Clock;
}

/** The part of a WebGPU backend that is tuned. */
export type TunedBackend = Pick<WebGpuBackend, 'adapter' | 'tuning'>;

/**
 * Tries the variants of programs that a backend has no choice for yet. It returns what is best, and uses none of it:
 * what is bound stays as it is. Software drivers have one form of each kernel, and take seconds to compile another.
 */
export async function tuneBackend(
  backend: TunedBackend,
  programs: () => readonly Program[],
  options: TuneBackendOptions,
): Promise<MeasuredChoice[]> {
  if (backend.adapter.adapterClass === 'cpu') return [];
  const cases = tuningCases(programs(), backend.tuning.caseOptions);
  if (cases.length === 0) return [];
  const timer = await backend.tuning.openTimer(cases);
  if (timer === undefined) return [];
  try {
    return await tune(cases, { ...options, measure: (tuned, variant) => timer.measure(tuned, variant) });
  } finally {
    timer.destroy();
  }
}
