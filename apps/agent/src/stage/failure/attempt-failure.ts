/**
 * The first thing that makes an attempt's waits pointless: its device failed, a tensor could not be sent, a deadline
 * has passed. Whatever waits is raced against it as a whole, so that no wait has to know what else may fail meanwhile.
 */
export class AttemptFailure {
  private fail: (error: unknown) => void = () => undefined;
  private readonly failed: Promise<never>;

  constructor() {
    this.failed = new Promise<never>((_, reject) => (this.fail = reject));
    // It may be raised when nobody waits any more.
    this.failed.catch(() => undefined);
  }

  /** What was raised first counts. */
  raise(error: unknown): void {
    this.fail(error);
  }

  /** Settles as `work` does, unless a failure was raised first: then it rejects with that. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.failed, work]);
  }
}
