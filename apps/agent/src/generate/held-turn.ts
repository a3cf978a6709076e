import type { Clock } from '@millrace/core';

/** How a generation asks for its device and gives it back. */
export interface TurnSource {
  /** Resolves when the device may be used, with the milliseconds for which it may. */
  take(): Promise<number>;
  giveBack(): void;
}

/**
 * The turn of one rank of a generation. While it lasts it is kept for several tokens, but not while the rank waits for
 * a peer.
 */
export class HeldTurn {
  private untilMs: number | undefined;

  constructor(
    private readonly source: TurnSource,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.untilMs === undefined) this.untilMs = (await this.source.take()) + this.clock.monotonicMs();
    try {
      return await work();
    } finally {
      if (this.clock.monotonicMs() >= this.untilMs) this.giveBack();
    }
  }

  giveBack(): void {
    if (this.untilMs === undefined) return;
    this.untilMs = undefined;
    this.source.giveBack();
  }
}
