import type { StartPhase } from '@millrace/contracts';
import type { Clock } from '@millrace/core';

export interface StartPhasesOptions {
  readonly clock: Clock;
  readonly onLong: (phase: StartPhase) => void;
}

/** A start that goes well takes less for each phase, and has nothing to tell. */
const TOLD_AFTER_MS = 500;

/** What a rank does until its first step. A phase is told once it lasts. */
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
