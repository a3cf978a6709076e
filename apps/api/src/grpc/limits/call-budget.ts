import type { Clock } from '@millrace/core';

const WINDOW_MS = 1_000;
/** Shared by callers for whom there is no room: somebody with very many addresses is slowed down as one. */
const OTHERS = '';

interface Window {
  readonly startMs: number;
  count: number;
}

export interface CallBudgetOptions {
  readonly perSecond: number;
  /** Callers remembered at once. */
  readonly callersMax: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** How often each caller may call: so many times in each window of a second that begins with its first call. */
export class CallBudget {
  private readonly windows = new Map<string, Window>();

  constructor(private readonly options: CallBudgetOptions) {}

  /** Takes one call of the caller's. @returns 0, or the milliseconds after which there are calls again */
  take(caller: string): number {
    const nowMs = this.options.clock.monotonicMs();
    const window = this.windowOf(caller, nowMs);
    if (window.count >= this.options.perSecond) return Math.max(1, Math.ceil(window.startMs + WINDOW_MS - nowMs));
    window.count++;
    return 0;
  }

  private windowOf(caller: string, nowMs: number): Window {
    const known = this.windows.get(caller);
    if (known !== undefined && !isOver(known, nowMs)) return known;
    if (known === undefined && this.windows.size >= this.options.callersMax) this.forgetPast(nowMs);
    const full = known === undefined && this.windows.size >= this.options.callersMax;
    if (full && caller !== OTHERS) return this.windowOf(OTHERS, nowMs);
    const window = { startMs: nowMs, count: 0 };
    this.windows.set(caller, window);
    return window;
  }

  private forgetPast(nowMs: number): void {
    for (const [caller, window] of this.windows) if (isOver(window, nowMs)) this.windows.delete(caller);
  }
}

function isOver({ startMs }: Window, nowMs: number): boolean {
  return nowMs >= startMs + WINDOW_MS;
}
