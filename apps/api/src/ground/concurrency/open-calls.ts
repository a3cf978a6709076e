/** Counts how many calls of each caller are open. */
export class OpenCalls {
  private readonly counts = new Map<string, number>();

  constructor(private readonly perCallerMax: number) {}

  /**
   * @returns a function that tells that the call is over (it may be called repeatedly); undefined when too many are
   * open
   */
  open(caller: string): (() => void) | undefined {
    const count = this.counts.get(caller) ?? 0;
    if (count >= this.perCallerMax) return undefined;
    this.counts.set(caller, count + 1);
    let isOpen = true;
    return () => {
      if (isOpen) this.close(caller);
      isOpen = false;
    };
  }

  private close(caller: string): void {
    const count = (this.counts.get(caller) ?? 1) - 1;
    // A caller that has nothing open is forgotten.
    if (count === 0) this.counts.delete(caller);
    else this.counts.set(caller, count);
  }
}
