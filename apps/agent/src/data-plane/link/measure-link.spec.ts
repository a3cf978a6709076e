import type { Clock } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { measureLink } from './measure-link';

/** Timers fire in their order, as soon as nothing else is to be done. */
class VirtualClock implements Clock {
  ms = 0;
  now = (): number => this.ms;
  monotonicMs = (): number => this.ms;
  after(delayMs: number, task: () => void): () => void {
    const at = this.ms + delayMs;
    const timer = setTimeout(() => {
      this.ms = Math.max(this.ms, at);
      task();
    }, delayMs / 100);
    return () => clearTimeout(timer);
  }
  sleep = (ms: number): Promise<void> => new Promise((resolve) => this.after(ms, resolve));
}

describe('measureLink', () => {
  it('tells latency from bandwidth, and is not misled by a probe that was held up', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const probe = (bytes: number): Promise<void> => clock.sleep(40 + bytes / 10_000 + (++count % 3 === 0 ? 300 : 0));
    const link = await measureLink(probe, clock);
    expect(link?.latencySeconds).toBeCloseTo(0.02, 6);
    expect(link?.bytesPerSecond).toBeCloseTo(1e7, -1);
  });

  it('waits for a peer that is still starting', async () => {
    const clock = new VirtualClock();
    let refusals = 3;
    const probe = (): Promise<void> => (refusals-- > 0 ? Promise.reject(new Error('not yet')) : clock.sleep(10));
    expect((await measureLink(probe, clock))?.latencySeconds).toBeCloseTo(0.005, 6);
  });

  it('gives up a peer that never answers', async () => {
    const clock = new VirtualClock();
    expect(await measureLink(() => Promise.reject(new Error('refused')), clock)).toBeUndefined();
    expect(clock.ms).toBeGreaterThan(9000);
  });
});
