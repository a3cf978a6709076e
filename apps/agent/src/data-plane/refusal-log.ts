import type { Clock, Logger } from '@millrace/core';

/** So many lines may be written at once; after that, one more in each interval. */
const LINES_AT_ONCE = 20;
const LINE_EVERY_MS = 10_000;
const TEXT_LENGTH_MAX = 200;

/** Logs what strangers cause, in short lines at a bounded rate, and counts the lines that it leaves out. */
export class RefusalLog {
  private used = 0;
  private leftOut = 0;
  private lastMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.lastMs = clock.monotonicMs();
  }

  warn(message: string): void {
    const nowMs = this.clock.monotonicMs();
    this.used = Math.max(0, this.used - (nowMs - this.lastMs) / LINE_EVERY_MS);
    this.lastMs = nowMs;
    if (this.used + 1 > LINES_AT_ONCE) {
      this.leftOut++;
      return;
    }
    this.used++;
    const { leftOut } = this;
    this.leftOut = 0;
    this.logger.warn(leftOut === 0 ? {} : { leftOut }, boundedText(message));
  }
}

/** Makes a stranger's text fit for a message: short, and on one line. */
export function boundedText(text: string): string {
  const printable = text.replaceAll(/[\u0000-\u001F\u007F]/g, ' ');
  return printable.length > TEXT_LENGTH_MAX ? `${printable.slice(0, TEXT_LENGTH_MAX)}…` : printable;
}
