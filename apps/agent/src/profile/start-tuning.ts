import type { StartPhase } from '@millrace/contracts';
import { describeError } from '@millrace/core';
import type { Program } from '@millrace/kernels';
import { buildStagePrograms } from '@millrace/model';
import type { MeasuredChoice } from '@millrace/runtime';
import type { StagePlan } from '../stage/stage-plan';

/**
 * Tries the variants of programs for which the plan has no choice, until a bound or until it is stopped. The programs
 * are built only where there is a device to tune.
 */
export type Tune = (programs: () => readonly Program[], stopped: () => boolean) => Promise<readonly MeasuredChoice[]>;

export interface StartTuningOptions {
  readonly plan: StagePlan;
  readonly tune: Tune;
  /** Receives what was chosen; it counts for later attempts, and this one keeps what its plan says. */
  readonly onChosen: (choices: readonly MeasuredChoice[]) => void;
  readonly onFailed: (sentence: string) => void;
}

/**
 * Tunes the device while a rank starts: from when its tensors are allocated, so that it tries variants only in memory
 * that is left, and while its weights come over the network. The first step waits for it, since it would disturb the
 * times, for as long as the bound of a tuning lasts.
 */
export class StartTuning {
  private tuning: Promise<void> | undefined;
  private isStopped = false;

  constructor(private readonly options: StartTuningOptions) {}

  enter(phase: StartPhase): void {
    if (phase === 'loading') this.tuning ??= this.tune();
  }

  done(): Promise<void> {
    return this.tuning ?? Promise.resolve();
  }

  /** The start has failed: what is being tried is the last. */
  stop(): void {
    this.isStopped = true;
  }

  private async tune(): Promise<void> {
    const { plan, tune, onChosen, onFailed } = this.options;
    const programs = (): Program[] =>
      plan.chunks.flatMap((chunk) => {
        const stage = buildStagePrograms(plan.config, chunk.slice, { ...plan, ...chunk });
        const { forward, backwardInput, backwardWeight } = stage;
        return [forward, backwardInput, backwardWeight];
      });
    try {
      const choices = await tune(programs, () => this.isStopped);
      if (choices.length > 0) onChosen(choices);
    } catch (error) {
      // A device that failed ends the attempt by itself; for all else the usual variants do.
      onFailed(`variants of kernels were not tried: ${describeError(error)}`);
    }
  }
}
