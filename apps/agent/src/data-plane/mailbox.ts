import { assert } from '@millrace/core';
import { frameDropped } from './data-plane.errors';
import { type TensorFrame, type FrameKey, frameKeyText } from './frame';
import type { LastFrame } from './stage-transport';

interface Waiter {
  readonly key: FrameKey;
  resolve(frame: TensorFrame): void;
  reject(error: unknown): void;
}

/**
 * Frames that have come and are not taken yet, and takers whose frame has not come yet. The links' credits bound their
 * memory.
 */
export class Mailbox {
  private readonly frames = new Map<string, TensorFrame>();
  private readonly waiters = new Map<string, Waiter>();
  private readonly last = new Map<number, LastFrame>();
  /** Frames whose `rollbacks` is less than this are dropped. */
  private rollbacks = 0;
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly now: () => number,
    /** Called once for each frame when it is taken: its bytes may be credited to the sender. */
    private readonly onTaken: (frame: TensorFrame) => void = () => undefined,
  ) {}

  put(frame: TensorFrame): void {
    const key = frameKeyText(frame);
    const { edge, step, microBatch, chunk, fromRank, rollbacks } = frame;
    this.last.set(fromRank, { key: { edge, step, microBatch, chunk, fromRank, rollbacks }, atMs: this.now() });
    if (rollbacks < this.rollbacks) return this.onTaken(frame);
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

  take(key: FrameKey): Promise<TensorFrame> {
    const text = frameKeyText(key);
    const frame = this.frames.get(text);
    if (frame !== undefined) {
      this.frames.delete(text);
      this.onTaken(frame);
      return Promise.resolve(frame);
    }
    if (this.failure !== undefined) return Promise.reject(this.failure.error);
    if (key.rollbacks < this.rollbacks) return Promise.reject(frameDropped(text));
    assert(!this.waiters.has(text), `two takers: ${text}`);
    return new Promise((resolve, reject) => this.waiters.set(text, { key, resolve, reject }));
  }

  /** Does what `StageTransport.dropBefore` says. */
  dropBefore(rollbacks: number): void {
    this.rollbacks = rollbacks;
    for (const [text, frame] of this.frames) {
      if (frame.rollbacks >= rollbacks) continue;
      this.frames.delete(text);
      this.onTaken(frame);
    }
    for (const [text, { key, reject }] of this.waiters) {
      if (key.rollbacks >= rollbacks) continue;
      this.waiters.delete(text);
      reject(frameDropped(text));
    }
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
