/**
 * Bounds how much a device has to do without ever letting it run dry: whenever half of the bound was enqueued, waits
 * until everything before that half is done.
 *
 *   |--- half ---|--- half ---|      in flight: from a half, when a wait is over, to the bound
 *                ^ mark       ^ mark, and wait for the mark before
 */
export class CompletionWindow {
  private count = 0;
  private earlier: Promise<void> | undefined;

  constructor(private readonly countMax: number) {}

  /**
   * So many more were enqueued. `mark` gives a promise for what is enqueued by now; its failure is thrown by a later
   * call.
   */
  enqueued(count: number, mark: () => Promise<void>): Promise<void> | void {
    this.count += count;
    if (this.count < this.countMax / 2) return;
    this.count = 0;
    const { earlier } = this;
    this.earlier = mark();
    this.earlier.catch(() => undefined);
    return earlier;
  }
}
