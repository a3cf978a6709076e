import type { Clock } from '@millrace/core';
import { addLossRows } from '@millrace/model';
import type { Backend, DeviceTensor } from '@millrace/runtime';
import { numericsFailed } from '../stage.errors';
import type { StageReporter } from '../stage-ports';
import type { WorkTimeline } from '../work-timeline';

export interface LossReportsOptions {
  readonly backend: Backend;
  readonly timeline: WorkTimeline;
  readonly reporter: StageReporter;
  readonly clock: Clock;
  readonly tokensPerStep: number;
}

export interface StepFacts {
  readonly step: number;
  /** How many targets the loss counts. */
  readonly tokens: number;
  readonly learningRate: number;
}

/** So many steps may have points that wait for the device or for the API; with more of them, training waits. */
const UNREPORTED_STEPS_MAX = 8;

/** Reads and sends the points of each step at the head, while training goes on. */
export class LossReports {
  private tail: Promise<void> = Promise.resolve();
  private unreportedCount = 0;
  private failure: { readonly error: unknown } | undefined;
  private stepEndMs: number;

  constructor(private readonly options: LossReportsOptions) {
    this.stepEndMs = options.clock.monotonicMs();
  }

  /**
   * Copies the losses as they are now. Throws the error with which an earlier report failed, such as STAGE.NUMERICS.
   */
  async add(losses: readonly DeviceTensor[], facts: StepFacts): Promise<void> {
    this.check();
    const { backend, timeline } = this.options;
    const done = timeline.mark();
    const read = backend.readAll(losses, timeline.delayMs());
    read.catch(() => undefined);
    this.unreportedCount++;
    this.tail = this.tail.then(async () => {
      try {
        if (this.failure !== undefined) return;
        const rows = await read;
        done();
        const sum = rows.reduce((total, each) => addLossRows(total, each), 0);
        await this.report(sum / facts.tokens, facts);
      } catch (error) {
        this.failure ??= { error };
      } finally {
        this.unreportedCount--;
      }
    });
    if (this.unreportedCount >= UNREPORTED_STEPS_MAX) await this.tail;
  }

  check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Resolves when the API has accepted the points of all steps so far; rejects with the first failure. */
  async settled(): Promise<void> {
    await this.tail;
    this.check();
  }

  private async report(loss: number, { step, learningRate }: StepFacts): Promise<void> {
    const { reporter, clock, tokensPerStep } = this.options;
    if (!Number.isFinite(loss)) throw numericsFailed(step, { what: 'the loss', value: loss });
    const nowMs = clock.monotonicMs();
    const seconds = Math.max(nowMs - this.stepEndMs, 1e-3) / 1000;
    this.stepEndMs = nowMs;
    await reporter.metrics([
      { name: 'train/loss', step, value: loss },
      { name: 'train/lr', step, value: learningRate },
      { name: 'train/tokens_per_second', step, value: tokensPerStep / seconds },
    ]);
  }
}
