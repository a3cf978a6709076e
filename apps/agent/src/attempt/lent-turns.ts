import type { ToWorker } from '../worker/worker-messages';

/** A generation may use the device for about so long, and says when it does not any more. */
export interface LentTurn {
  readonly sliceMs: number;
  readonly over: () => void;
}

/** Of a device that nobody trains on: the generation may keep it, and asks again in case an attempt has come. */
export const FREE_TURN: LentTurn = { sliceMs: 1_000, over: () => undefined };

/** The thread of the sockets' end of DeviceTurns: who waits for the device of an attempt in training. */
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

  /** The attempt trains no more: nobody needs to wait for it. */
  end(): void {
    for (const resolve of this.waiting.values()) resolve(FREE_TURN);
    this.waiting.clear();
  }
}
