import type { Clock } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { WorkTimeline } from './work-timeline';

function fakeClock(): Clock & { ms: number } {
  const clock = { ms: 0, now: () => 1e12 + clock.ms, monotonicMs: () => clock.ms, after: () => () => undefined };
  return clock;
}

/** A device that takes `actualMs` for each action, waited for as the runtime does: most of the prediction is slept. */
function play(timeline: WorkTimeline, clock: { ms: number }, actualMs: number): number {
  timeline.enqueue('F', '0F0');
  const done = timeline.mark();
  const startMs = clock.ms;
  clock.ms = startMs + Math.max(timeline.delayMs() * 0.9, actualMs);
  done();
  return clock.ms - startMs;
}

describe('WorkTimeline', () => {
  it('comes to predict what an action takes, from below', () => {
    const clock = fakeClock();
    const timeline = new WorkTimeline(clock);
    for (let step = 0; step < 40; step++) play(timeline, clock, 50);
    timeline.enqueue('F', '0F0');
    expect(timeline.delayMs()).toBeGreaterThan(40);
    expect(timeline.delayMs()).toBeLessThan(60);
  });

  it('forgets a first run that held the compiler', () => {
    const clock = fakeClock();
    const timeline = new WorkTimeline(clock);
    play(timeline, clock, 60_000);
    expect(play(timeline, clock, 5)).toBeLessThan(10);
  });

  it('does not sleep on when work has become shorter', () => {
    const clock = fakeClock();
    const timeline = new WorkTimeline(clock);
    for (let step = 0; step < 60; step++) play(timeline, clock, 1000);
    for (let step = 0; step < 60; step++) play(timeline, clock, 10);
    expect(play(timeline, clock, 10)).toBeLessThan(13);
  });

  it('gives spans on the wall clock that add up to what was measured', () => {
    const clock = fakeClock();
    const timeline = new WorkTimeline(clock);
    timeline.seed({ F: 1, W: 3 });
    timeline.enqueue('F', '0F0');
    timeline.enqueue('W', '0W0');
    const done = timeline.mark();
    clock.ms = 40;
    done();
    const [forward, weight] = timeline.takeSpans();
    expect(forward).toMatchObject({ action: '0F0', startMs: 1e12 });
    expect(weight!.startMs).toBeCloseTo(forward!.endMs, 3);
    expect(weight!.endMs).toBeCloseTo(1e12 + 40, 3);
    expect(timeline.takeSpans()).toEqual([]);
  });
});
