import type { StartPhase } from '@millrace/contracts';
import type { Clock } from '@millrace/core';

export interface StartPhasesOptions {
  readonly clock: Clock;
  readonly onLong: (phase: StartPhase) => void;
}

/** Phases of a start that goes well are shorter than this, and are not worth telling. */
const TOLD_AFTER_MS = 500;

/** Tells what a rank does before its first step; a phase is told only once it lasts. */
export class StartPhases {
  private cancel: () => void = () => undefined;

  constructor(private readonly options: StartPhasesOptions) {}

  enter(phase: StartPhase): void {
    this.cancel();
    this.cancel = this.options.clock.after(TOLD_AFTER_MS, () => this.options.onLong(phase));
  }

  end(): void {
    this.cancel();
  }
}
