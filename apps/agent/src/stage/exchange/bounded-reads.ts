/** Knows how many reads of tensors are not done, so that no more begin than there are buffers for. */
export class BoundedReads {
  /** In the order in which they began, which is that in which the device does them. */
  private readonly pending: Promise<void>[] = [];

  constructor(private readonly countMax: number) {}

  /** Resolves when fewer than the bound are not done. A read that failed is done; its own promise tells of it. */
  async room(): Promise<void> {
    while (this.pending.length >= this.countMax) await this.pending[0];
  }

  add<T>(read: Promise<T>): Promise<T> {
    const done = read
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => void this.pending.splice(this.pending.indexOf(done), 1));
    this.pending.push(done);
    return read;
  }
}
