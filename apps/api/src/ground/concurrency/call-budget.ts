import type { Clock } from '@millrace/core';

const WINDOW_MS = 1_000;
/**
 * Callers for whom there is no room share this budget: somebody with very many addresses is slowed down as one caller.
 */
const OTHERS = '';

interface Window {
  readonly startMs: number;
  count: number;
}

export interface CallBudgetOptions {
  readonly perSecond: number;
  /** How many callers are remembered at once. */
  readonly callersMax: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/**
 * Limits how often each caller may call: so many times in each window of a second, which begins with its first call.
 */
export class CallBudget {
  private readonly windows = new Map<string, Window>();
  private forgotAtMs = -Infinity;

  constructor(private readonly options: CallBudgetOptions) {}

  /** Takes one of the caller's calls. @returns 0, or the milliseconds after which calls are possible again */
  take(caller: string): number {
    const nowMs = this.options.clock.monotonicMs();
    const window = this.windowOf(caller, nowMs);
    const waitMs = this.waitOf(window, nowMs);
    if (waitMs === 0) window.count++;
    return waitMs;
  }

  /** What `take` would return, without taking a call. */
  waitMs(caller: string): number {
    const nowMs = this.options.clock.monotonicMs();
    const window = this.windows.get(caller) ?? (this.isFull() ? this.windows.get(OTHERS) : undefined);
    return window === undefined || isOver(window, nowMs) ? 0 : this.waitOf(window, nowMs);
  }

  private waitOf({ count, startMs }: Window, nowMs: number): number {
    return count < this.options.perSecond ? 0 : Math.max(1, Math.ceil(startMs + WINDOW_MS - nowMs));
  }

  private isFull(): boolean {
    return this.windows.size >= this.options.callersMax;
  }

  private windowOf(caller: string, nowMs: number): Window {
    const known = this.windows.get(caller);
    if (known !== undefined && !isOver(known, nowMs)) return known;
    if (known === undefined && this.isFull()) this.forgetPast(nowMs);
    if (known === undefined && this.isFull() && caller !== OTHERS) return this.windowOf(OTHERS, nowMs);
    const window = { startMs: nowMs, count: 0 };
    this.windows.set(caller, window);
    return window;
  }

  /** It looks at all callers, so that it must not run for every new one. */
  private forgetPast(nowMs: number): void {
    if (nowMs < this.forgotAtMs + WINDOW_MS) return;
    this.forgotAtMs = nowMs;
    for (const [caller, window] of this.windows) if (isOver(window, nowMs)) this.windows.delete(caller);
  }
}

function isOver({ startMs }: Window, nowMs: number): boolean {
  return nowMs >= startMs + WINDOW_MS;
}
