import type { Clock } from '@millrace/core';
import type { Edge, TensorFrame, FrameKey } from './frame';
import type { LastFrame, StageTransport } from './stage-transport';

/** What a rank sent to another one for one purpose. */
export interface SentFrames {
  readonly toRank: number;
  readonly edge: Edge;
  readonly frames: number;
  /** Of their payloads. */
  readonly bytes: number;
}

export interface SentTraffic {
  readonly sent: readonly SentFrames[];
  /**
   * How long the step was what was counted: from the end of the one before. 0, not known, of an attempt's first: peers
   * that still compile or load weights make it as long as they like.
   */
  readonly countedMs: number;
}

/** A transport that counts what is sent through it: a few additions for each frame. */
export class CountedTransport implements StageTransport {
  /** By step, receiver and purpose. */
  private readonly counts = new Map<string, SentFrames & { readonly step: number }>();
  private sinceMs: number | undefined;

  constructor(
    private readonly inner: StageTransport,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  send(toRank: number, frame: TensorFrame): Promise<void> {
    const { step, edge, payload } = frame;
    const key = `${step} ${toRank} ${edge}`;
    const { frames = 0, bytes = 0 } = this.counts.get(key) ?? {};
    // Before it is handed on: sending may detach the payload.
    this.counts.set(key, { step, toRank, edge, frames: frames + 1, bytes: bytes + payload.byteLength });
    return this.inner.send(toRank, frame);
  }

  /**
   * What was sent of steps up to this one and was not taken yet. What is already on its way of the next one, where a
   * rank runs ahead, stays for that.
   */
  take(upToStep: number): SentTraffic {
    const nowMs = this.clock.monotonicMs();
    const countedMs = this.sinceMs === undefined ? 0 : nowMs - this.sinceMs;
    this.sinceMs = nowMs;
    const sent: SentFrames[] = [];
    for (const [key, { step, ...frames }] of this.counts) {
      if (step > upToStep) continue;
      sent.push(frames);
      this.counts.delete(key);
    }
    return { sent, countedMs };
  }

  receive(key: FrameKey): Promise<TensorFrame> {
    return this.inner.receive(key);
  }

  release(frame: TensorFrame): void {
    this.inner.release?.(frame);
  }

  dropBefore(rollbacks: number): void {
    this.inner.dropBefore(rollbacks);
  }

  lastFrom(rank: number): LastFrame | undefined {
    return this.inner.lastFrom(rank);
  }
}
