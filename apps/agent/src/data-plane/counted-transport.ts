import type { Clock } from '@millrace/core';
import type { Edge, Frame, FrameKey } from './frame';
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
  /** In which that was sent. */
  readonly countedMs: number;
}

/** A transport that counts what is sent through it: a few additions for each frame. */
export class CountedTransport implements StageTransport {
  private counts = new Map<string, SentFrames>();
  private sinceMs: number;

  constructor(
    private readonly inner: StageTransport,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.sinceMs = clock.monotonicMs();
  }

  send(toRank: number, frame: Frame): Promise<void> {
    const { edge, payload } = frame;
    const key = `${toRank} ${edge}`;
    const { frames = 0, bytes = 0 } = this.counts.get(key) ?? {};
    // Before it is handed on: sending may detach the payload.
    this.counts.set(key, { toRank, edge, frames: frames + 1, bytes: bytes + payload.byteLength });
    return this.inner.send(toRank, frame);
  }

  /** What was sent since the last call. */
  take(): SentTraffic {
    const nowMs = this.clock.monotonicMs();
    const taken = { sent: [...this.counts.values()], countedMs: nowMs - this.sinceMs };
    this.counts = new Map();
    this.sinceMs = nowMs;
    return taken;
  }

  receive(key: FrameKey): Promise<Frame> {
    return this.inner.receive(key);
  }

  release(frame: Frame): void {
    this.inner.release?.(frame);
  }

  dropBefore(rollbacks: number): void {
    this.inner.dropBefore(rollbacks);
  }

  lastFrom(rank: number): LastFrame | undefined {
    return this.inner.lastFrom(rank);
  }
}
