import type { ToWorker } from '../worker/worker-messages';

/** A generation's turn: it may use the device for about `sliceMs`, and calls `over` when it has stopped using it. */
export interface LentTurn {
  readonly sliceMs: number;
  readonly over: () => void;
}

/**
 * The turn on a device that no attempt trains on. The generation may go on, but asks again in case an attempt has come.
 */
export const FREE_TURN: LentTurn = { sliceMs: 1_000, over: () => undefined };

/**
 * Keeps, on the thread of the sockets, the generations that wait for a device that trains; DeviceTurns is its other
 * end.
 */
export class LentTurns {
  private readonly waiting = new Map<number, (turn: LentTurn) => void>();
  private nextId = 1;

  constructor(private readonly tell: (message: ToWorker) => void) {}

  take(): Promise<LentTurn> {
    const turnId = this.nextId++;
    this.tell({ type: 'turn', turnId });
    return new Promise((resolve) => this.waiting.set(turnId, resolve));
  }

  given(turnId: number, sliceMs: number): void {
    const resolve = this.waiting.get(turnId);
    this.waiting.delete(turnId);
    resolve?.({ sliceMs, over: () => this.tell({ type: 'turn-over', turnId }) });
  }

  /** Called when the attempt stops training: nobody needs to wait for it any more. */
  end(): void {
    for (const resolve of this.waiting.values()) resolve(FREE_TURN);
    this.waiting.clear();
  }
}
