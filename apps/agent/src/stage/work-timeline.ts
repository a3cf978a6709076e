import type { SpanCause } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import type { Interval } from './account/step-account';
import type { ActionSpan } from './stage-ports';

interface Work {
  readonly kind: string;
  readonly text: string;
  readonly cause: SpanCause;
  readonly enqueuedMs: number;
}

/**
 * An estimate grows by at most this factor at once: the first run of a program may include the driver's compilation,
 * which takes a thousand times as long as any other run. An estimate that is too short only costs polling.
 */
const GROWTH_MAX = 1.5;
/**
 * Work that ends earlier than predicted may have been done long before, while this thread slept. How much earlier is
 * unknown, so the estimate comes down step by step until the device is still at work after the sleep.
 */
const SHRINKAGE = 0.85;
const EARLY = 0.97;
const SPAN_COUNT_MAX = 10_000;
/** A wait shorter than this found what it wanted: it is not worth a span. */
const SPAN_MS_MIN = 0.02;

/**
 * Predicts when the device will be done with what was enqueued, from how long each kind of action has taken so far. A
 * wait for the device sleeps through most of that time, because a pending GPU promise keeps a core busy. All times are
 * monotonic.
 */
export class WorkTimeline {
  private readonly estimatesMs = new Map<string, number>();
  private pending: Work[] = [];
  private freeAtMs: number;
  /** The spans since the last `takeSpans`, on the monotonic clock. */
  private spans: ActionSpan[] = [];

  constructor(
    private readonly clock: Clock,
    /** Receives every span as soon as it is known, on the monotonic clock. */
    private readonly onSpan: (cause: SpanCause, span: Interval) => void = () => undefined,
  ) {
    this.freeAtMs = clock.monotonicMs();
  }

  /**
   * Sets first guesses for the kinds in the ratio of their `costs`; only ratios matter until something was measured.
   */
  seed(costs: Readonly<Record<string, number>>): void {
    const most = Math.max(1, ...Object.values(costs));
    for (const [kind, cost] of Object.entries(costs)) this.estimatesMs.set(kind, Math.max(cost / most, 1e-3));
  }

  enqueue(kind: string, text: string, cause: SpanCause = 'compute'): void {
    this.pending.push({ kind, text, cause, enqueuedMs: this.clock.monotonicMs() });
  }

  /** Predicted milliseconds until everything enqueued is done. */
  delayMs(): number {
    let endMs = this.freeAtMs;
    for (const work of this.pending) endMs = Math.max(endMs, work.enqueuedMs) + this.estimateMs(work.kind);
    return Math.max(0, endMs - this.clock.monotonicMs());
  }

  /** Call it after enqueueing, and call what it returns when everything enqueued by then is known to be done. */
  mark(): () => void {
    const last = this.pending.at(-1);
    return () => {
      const count = last === undefined ? 0 : this.pending.indexOf(last) + 1;
      if (count > 0) this.settle(this.pending.splice(0, count));
    };
  }

  /** The spans since the last call, on the wall clock. */
  takeSpans(): ActionSpan[] {
    // All spans get the same offset: the wall clock counts whole milliseconds, and spans that touch must not overlap by
    // one.
    const offsetMs = this.clock.now() - this.clock.monotonicMs();
    return this.spans
      .splice(0)
      .map(({ startMs, endMs, ...span }) => ({ ...span, startMs: startMs + offsetMs, endMs: endMs + offsetMs }));
  }

  /**
   * Begins a span for a wait of the host or for a transfer, which ends when the returned function is
   * called.
   */
  beginSpan(action: string, cause: SpanCause): () => void {
    const startMs = this.clock.monotonicMs();
    return () => {
      const endMs = this.clock.monotonicMs();
      if (endMs - startMs >= SPAN_MS_MIN) this.add(action, cause, { startMs, endMs });
    };
  }

  private add(action: string, cause: SpanCause, span: Interval): void {
    this.onSpan(cause, span);
    if (this.spans.length >= SPAN_COUNT_MAX) return;
    this.spans.push({ action, cause, ...span });
  }

  /**
   * Accounts for work that is now done. If the device was never idle in between, only the end of the whole block is
   * known: the durations of its actions are scaled so that they add up to it.
   */
  private settle(done: readonly Work[]): void {
    const nowMs = this.clock.monotonicMs();
    let cursorMs = this.freeAtMs;
    let block: { work: Work; startMs: number; estimateMs: number }[] = [];
    for (const work of done) {
      const idle = work.enqueuedMs > cursorMs;
      if (idle) {
        this.addBlock(block, 1);
        block = [];
        cursorMs = work.enqueuedMs;
      }
      const estimateMs = this.estimateMs(work.kind);
      block.push({ work, startMs: cursorMs, estimateMs });
      cursorMs += estimateMs;
    }
    const startMs = block[0]?.startMs ?? nowMs;
    const scale = Math.max(nowMs - startMs, 1e-3) / Math.max(cursorMs - startMs, 1e-3);
    const factor = scale < EARLY ? SHRINKAGE : Math.min(GROWTH_MAX, (1 + scale) / 2);
    for (const kind of new Set(block.map(({ work }) => work.kind)))
      this.estimatesMs.set(kind, this.estimateMs(kind) * factor);
    this.addBlock(block, scale);
    this.freeAtMs = nowMs;
  }

  private addBlock(block: readonly { work: Work; startMs: number; estimateMs: number }[], scale: number): void {
    const blockStartMs = block[0]?.startMs ?? 0;
    for (const { work, startMs, estimateMs } of block) {
      const scaledMs = blockStartMs + (startMs - blockStartMs) * scale;
      this.add(work.text, work.cause, { startMs: scaledMs, endMs: scaledMs + estimateMs * scale });
    }
  }

  private estimateMs(kind: string): number {
    return this.estimatesMs.get(kind) ?? 1;
  }
}
