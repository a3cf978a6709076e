import { silentLogger } from '@millrace/core';
import type { Clock } from '@millrace/core';
import type { KernelChoice } from '@millrace/kernels';
import { benchmarkBackend, openWebGpuBackend, type WebGpuBackend } from '@millrace/runtime';
import { type GpuRow, problemOf } from '../gpu-row';

interface SectionDeviceOptions {
  readonly clock: Clock;
  readonly untilMs: number;
  readonly choices: readonly KernelChoice[];
  emit(row: GpuRow): void;
}

type Figure = Pick<GpuRow, 'ours' | 'detail'>;

/**
 * The device of a section, which is opened anew after a failure: a device that failed once refuses all that follows.
 */
export class SectionDevice {
  private opened: WebGpuBackend | undefined;
  private speed: Awaited<ReturnType<typeof benchmarkBackend>> | undefined;

  constructor(private readonly options: SectionDeviceOptions) {}

  /** Opened as an agent does, with its measured speed, which decides how much goes into a submission. */
  async backend(): Promise<WebGpuBackend> {
    const { clock, choices } = this.options;
    if (this.opened !== undefined) return this.opened;
    const open = (): Promise<WebGpuBackend> =>
      openWebGpuBackend({
        clock,
        logger: silentLogger,
        ...(this.speed === undefined ? {} : { submissions: { speed: this.speed } }),
      });
    let backend = await open();
    if (backend.adapter.adapterClass === 'gpu' && this.speed === undefined) {
      this.speed = await benchmarkBackend(backend, clock);
      backend.destroy();
      backend = await open();
    }
    backend.tuning.choose(choices);
    return (this.opened = backend);
  }

  /** Emits one row: what `work` measures, or what kept it from doing so. */
  async measure(
    row: Pick<GpuRow, 'name' | 'unit'>,
    work: (backend: WebGpuBackend) => Promise<Figure>,
  ): Promise<GpuRow> {
    const made = await this.attempt(row, work);
    this.options.emit(made);
    return made;
  }

  close(): void {
    this.opened?.destroy();
    this.opened = undefined;
  }

  private async attempt(
    row: Pick<GpuRow, 'name' | 'unit'>,
    work: (backend: WebGpuBackend) => Promise<Figure>,
  ): Promise<GpuRow> {
    const { clock, untilMs } = this.options;
    if (clock.monotonicMs() >= untilMs) {
      const problem = { code: 'BENCH.NO_TIME', message: "the section's time was over before this one's turn" };
      return { ...row, ours: null, problem };
    }
    let backend: WebGpuBackend | undefined;
    try {
      backend = await this.backend();
      const figure = await work(backend);
      // Errors of a device are told some time after the command that they are about.
      await backend.finish();
      return { ...row, ...figure };
    } catch (error) {
      this.close();
      return { ...row, ours: null, problem: problemOf(error) };
    }
  }
}
