import type { Clock } from '@millrace/core';
import type { Edge, TensorFrame, FrameKey } from './frame';
import type { LastFrame, StageTransport } from './stage-transport';

/** What a rank sent to another one for one purpose. */
export interface SentFrames {
  readonly toRank: number;
  readonly edge: Edge;
  readonly frames: number;
  /** Bytes of the payloads. */
  readonly bytes: number;
}

export interface SentTraffic {
  readonly sent: readonly SentFrames[];
  /**
   * For how long this was counted, in milliseconds: since the end of the step before. It is 0, meaning unknown, for an
   * attempt's first step, which peers that still compile or load weights prolong as they like.
   */
  readonly countedMs: number;
}

/** A transport that counts what is sent through it, which costs a few additions for each frame. */
export class CountedTransport implements StageTransport {
  /** The counts by step, receiver and purpose. */
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
    // It is counted before it is handed on, since sending may detach the payload.
    this.counts.set(key, { step, toRank, edge, frames: frames + 1, bytes: bytes + payload.byteLength });
    return this.inner.send(toRank, frame);
  }

  /**
   * Takes the counts of all steps up to this one. What a rank that runs ahead has sent for the next step stays for
   * that.
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
