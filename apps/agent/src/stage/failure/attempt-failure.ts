/**
 * Holds the first failure that makes the waits of an attempt pointless: its device failed, a tensor could not be sent,
 * or a deadline has passed. Every wait is raced against it, so that a wait need not know what else can fail.
 */
export class AttemptFailure {
  private fail: (error: unknown) => void = () => undefined;
  private readonly failed: Promise<never>;

  constructor() {
    this.failed = new Promise<never>((_, reject) => (this.fail = reject));
    // A failure may be raised when nobody waits any more; the rejection must not count as unhandled.
    this.failed.catch(() => undefined);
  }

  /** Only the first failure that is raised counts. */
  raise(error: unknown): void {
    this.fail(error);
  }

  /** Settles as `work` does; but if a failure was raised first, it rejects with that failure. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.failed, work]);
  }
}
