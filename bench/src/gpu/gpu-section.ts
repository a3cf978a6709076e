import type { Clock } from '@millrace/core';
import type { KernelChoice } from '@millrace/kernels';
import type { Backend } from '@millrace/runtime';
import type { GpuCases } from './gpu-cases';
import type { GpuRow } from './gpu-row';
import { SectionDevice } from './measure/section-device';
import { timeRuns, type Timing } from './measure/time-runs';

export interface SectionContext {
  readonly clock: Clock;
  readonly cases: GpuCases;
  readonly device: SectionDevice;
  /** What the section of ceilings measured, by the name of its rows. */
  readonly ceilings: ReadonlyMap<string, number>;
  /** By this monotonic time a section ends by itself, and says what it left out. */
  readonly untilMs: number;
  readonly emit: (row: GpuRow) => void;
  /** Times what `enqueue` enqueues. */
  readonly time: (backend: Backend, enqueue: () => void) => Promise<Timing>;
}

/** A part of the benchmark, which runs in a process and with a device of its own. */
export type GpuSection = (context: SectionContext) => Promise<void>;

interface SectionOptions extends Pick<SectionContext, 'clock' | 'cases' | 'ceilings'> {
  /** What the device launches where the tuner measured. */
  readonly choices?: readonly KernelChoice[];
  readonly secondsMax: number;
  readonly emit: (row: GpuRow) => void;
}

/** What a section needs, from the moment at which its time begins. */
export function openSection({
  clock,
  cases,
  ceilings,
  choices = [],
  secondsMax,
  emit,
}: SectionOptions): SectionContext {
  const untilMs = clock.monotonicMs() + 1000 * secondsMax;
  const device = new SectionDevice({ clock, untilMs, choices, emit });
  const time = (backend: Backend, enqueue: () => void): Promise<Timing> =>
    timeRuns(backend, { clock, untilMs, roundMs: cases.roundMs, enqueue });
  return { clock, cases, device, ceilings, untilMs, emit, time };
}
