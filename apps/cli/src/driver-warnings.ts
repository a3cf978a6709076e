/** At every start, drivers warn about things that do no harm. */
export const DRIVER_WARNING = /^warning:/i;
/** Lines that are told apart; of what comes beyond them the first ones are forgotten. */
const LINES_MAX = 100;

/**
 * Drops lines that were said before, word for word, and tells at the 10th, 100th, 1000th … time how often: a driver
 * warns of the same harmless limits whenever a run opens the device.
 */
export class RepeatedLines {
  private readonly counts = new Map<string, number>();

  /** What is to be printed for the line; undefined where it was said already. */
  take(line: string): string | undefined {
    const count = (this.counts.get(line) ?? 0) + 1;
    if (count === 1 && this.counts.size === LINES_MAX) this.counts.delete(this.counts.keys().next().value!);
    this.counts.set(line, count);
    if (count === 1) return line;
    return /^10+$/.test(String(count)) ? `${line} (said ${count} times)` : undefined;
  }
}
