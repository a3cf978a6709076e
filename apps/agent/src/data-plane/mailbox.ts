import { assert } from '@millrace/core';
import { type Frame, type FrameKey, frameKeyText } from './frame';
import type { LastFrame } from './stage-transport';

interface Waiter {
  resolve(frame: Frame): void;
  reject(error: unknown): void;
}

/**
 * Frames that have come and are not taken yet, and takers whose frame has not come yet. Memory is bounded by the links'
 * credits.
 */
export class Mailbox {
  private readonly frames = new Map<string, Frame>();
  private readonly waiters = new Map<string, Waiter>();
  private readonly last = new Map<number, LastFrame>();
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly now: () => number,
    /** Called once for each frame as it leaves: its bytes may be credited to the sender. */
    private readonly onTaken: (frame: Frame) => void = () => undefined,
  ) {}

  put(frame: Frame): void {
    const key = frameKeyText(frame);
    const { edge, step, microBatch, chunk, fromRank } = frame;
    this.last.set(fromRank, { key: { edge, step, microBatch, chunk, fromRank }, atMs: this.now() });
    const waiter = this.waiters.get(key);
    if (waiter === undefined) {
      assert(!this.frames.has(key), `two frames: ${key}`);
      this.frames.set(key, frame);
      return;
    }
    this.waiters.delete(key);
    this.onTaken(frame);
    waiter.resolve(frame);
  }

  take(key: FrameKey): Promise<Frame> {
    const text = frameKeyText(key);
    const frame = this.frames.get(text);
    if (frame !== undefined) {
      this.frames.delete(text);
      this.onTaken(frame);
      return Promise.resolve(frame);
    }
    if (this.failure !== undefined) return Promise.reject(this.failure.error);
    assert(!this.waiters.has(text), `two takers: ${text}`);
    return new Promise((resolve, reject) => this.waiters.set(text, { resolve, reject }));
  }

  lastFrom(rank: number): LastFrame | undefined {
    return this.last.get(rank);
  }

  /** Rejects every taker, now and later. */
  fail(error: unknown): void {
    this.failure ??= { error };
    for (const waiter of this.waiters.values()) waiter.reject(error);
    this.waiters.clear();
  }
}
