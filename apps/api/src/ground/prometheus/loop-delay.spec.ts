import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { LOOP_TURN_MS, LoopDelay } from './loop-delay';
import { ProcessorTime } from './processor-time';

interface Scene {
  /** Runs a turn of the loop that comes so late, after the thread was on a processor for so long. */
  readonly turn: (lateMs: number, processorMs?: number) => void;
  readonly value: (name: string) => Promise<number>;
}

function scene(): Scene {
  let nowMs = 0;
  let workedMs = 0;
  const registry = new Registry();
  const loop = new LoopDelay({ registry, nowMs: () => nowMs, processorMs: () => workedMs });
  return {
    turn: (lateMs, processorMs = 0) => {
      nowMs += LOOP_TURN_MS + lateMs;
      workedMs += processorMs;
      loop.turn();
    },
    value: async (name) => {
      loop.collect();
      const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1));
    },
  };
}

describe('the delay of the event loop', () => {
  it('is told to every reader alike, and forgotten by the gauges after a minute', async () => {
    const { turn, value } = scene();
    turn(300);
    for (let count = 0; count < 99; count++) turn(0);
    for (let reader = 0; reader < 2; reader++) {
      expect(await value('nodejs_eventloop_lag_max_seconds')).toBeCloseTo(0.3, 3);
      expect(await value('nodejs_eventloop_lag_p50_seconds')).toBeLessThan(0.001);
      expect(await value('millrace_event_loop_delay_seconds_count')).toBe(100);
    }
    for (let passedMs = 0; passedMs < 60_000; passedMs += LOOP_TURN_MS) turn(0);
    expect(await value('nodejs_eventloop_lag_max_seconds')).toBeLessThan(0.001);
    expect(await value('millrace_event_loop_delay_seconds_bucket{le="0.25"}')).toBe(
      (await value('millrace_event_loop_delay_seconds_count')) - 1,
    );
  });

  it('is the own one only as far as the thread was on a processor', async () => {
    const { turn, value } = scene();
    turn(300, 10);
    turn(300, 0);
    turn(300, 320);
    expect(await value('millrace_event_loop_delay_seconds_bucket{le="0.25"}')).toBe(0);
    expect(await value('millrace_event_loop_own_delay_seconds_bucket{le="0.25"}')).toBe(2);
    expect(await value('millrace_event_loop_own_delay_seconds_sum')).toBeCloseTo(0.31, 6);
  });
});

describe('the time on a processor', () => {
  it('is read from the account of the thread, and is not known where nobody keeps one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-time-'));
    const path = join(folder, 'schedstat');
    writeFileSync(path, '107755000 108500000 2\n');
    const time = new ProcessorTime(path);
    expect(time.totalMs()).toBe(107.755);
    time.close();
    writeFileSync(path, 'unknown\n');
    const unknown = new ProcessorTime(path);
    expect(unknown.totalMs()).toBeUndefined();
    unknown.close();
    rmSync(folder, { recursive: true });
    expect(new ProcessorTime(path).totalMs()).toBeUndefined();
  });
});
