/**
 * Tensors that are being sent, in their order: the readback of one may end while an earlier one still waits for room.
 * Computation does not wait for them, but the end of a step does.
 */
export class SendQueue {
  private tail: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private waitingCount = 0;

  /**
   * `onFailure` is called at once with the first failure: a wait for the answer to a tensor that was never sent must
   * end.
   */
  constructor(private readonly onFailure: (error: unknown) => void = () => undefined) {}

  /** Calls `send` when all earlier tensors are on their way. */
  push(send: () => Promise<void>): void {
    this.waitingCount++;
    this.tail = this.tail.then(async () => {
      try {
        if (this.failure === undefined) await send();
      } catch (error) {
        if (this.failure === undefined) this.onFailure(error);
        this.failure ??= { error };
      }
      this.waitingCount--;
    });
  }

  get count(): number {
    return this.waitingCount;
  }

  /** Throws the error of the first send that failed, if one did. */
  check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Resolves when all tensors are on their way; rejects with the first failure. */
  async settled(): Promise<void> {
    await this.tail;
    this.check();
  }
}
