/**
 * Sends on their way, in order: a tensor's readback may end while an earlier one still waits for room. Compute does not
 * wait for them; whoever ends a step does.
 */
export class SendQueue {
  private tail: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private waitingCount = 0;

  /** `onFailure` is told of the first one at once: whoever waits for a peer's answer to what was not sent must know. */
  constructor(private readonly onFailure: (error: unknown) => void = () => undefined) {}

  /** `send` starts when all earlier ones are on their way. */
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

  /** Throws what the first failed one failed with. */
  check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Resolves when all are on their way; rejects with the first failure. */
  async settled(): Promise<void> {
    await this.tail;
    this.check();
  }
}
