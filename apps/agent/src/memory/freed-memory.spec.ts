import { createRequire } from 'node:module';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { FreedMemory } from './freed-memory';

it('gives memory back once, when no thread has run for a while', () => {
  const clock = new FakeClock();
  let givenBack = 0;
  const memory = new FreedMemory(clock, () => () => void givenBack++);
  memory.threadStarted();
  memory.threadStarted();
  memory.threadEnded();
  expect(clock.fireNext()).toBe(false);
  memory.threadEnded();
  // The next run starts before the wait is over.
  memory.threadStarted();
  expect(clock.fireNext()).toBe(false);
  memory.threadEnded();
  clock.fireNext();
  expect(givenBack).toBe(1);
  expect(clock.fireNext()).toBe(false);
});

it('loads what gives memory back when there is some to give back for the first time, and only then', () => {
  const clock = new FakeClock();
  let loaded = 0;
  const memory = new FreedMemory(clock, () => {
    loaded++;
    return () => undefined;
  });
  expect(loaded).toBe(0);
  for (let run = 0; run < 2; run++) {
    memory.threadStarted();
    memory.threadEnded();
    expect(clock.fireNext()).toBe(true);
    expect(loaded).toBe(1);
  }
});

const SMALL_BYTES = 2048;
const SMALL_COUNT = 60_000;
const MIB = 2 ** 20;

/** Fills memory with small pieces and keeps every hundredth, so that glibc has nothing to give back by itself. */
function fragment(): Buffer[] {
  const pieces = Array.from({ length: SMALL_COUNT }, () => Buffer.allocUnsafeSlow(SMALL_BYTES).fill(1));
  return pieces.filter((_, index) => index % 100 === 0);
}

it('collects garbage, and gives what glibc kept of it back to the system', ({ skip }) => {
  const header = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (header.header.glibcVersionRuntime === undefined) skip('no glibc');
  if (!hasKoffi()) skip('koffi, an optional package, is not installed');
  const clock = new FakeClock();
  const memory = new FreedMemory(clock);
  const idle = (): number => {
    memory.threadStarted();
    memory.threadEnded();
    clock.fireNext();
    return process.memoryUsage.rss();
  };
  const before = idle();
  const kept = fragment();
  // The pieces take 117 MiB.
  expect(process.memoryUsage.rss() - before).toBeGreaterThan(80 * MIB);
  expect(idle() - before).toBeLessThan(40 * MIB);
  expect(kept).toHaveLength(SMALL_COUNT / 100);
});

it('collects garbage where nothing else can be given back', async () => {
  const clock = new FakeClock();
  const memory = new FreedMemory(clock);
  const received = (): WeakRef<ArrayBuffer> => new WeakRef(new ArrayBuffer(MIB));
  const message = received();
  // Until the end of this turn a WeakRef holds what it was made of.
  await new Promise(setImmediate);
  memory.threadStarted();
  memory.threadEnded();
  clock.fireNext();
  expect(message.deref()).toBeUndefined();
  expect('gc' in globalThis).toBe(false);
});

function hasKoffi(): boolean {
  try {
    createRequire(__filename).resolve('koffi');
    return true;
  } catch {
    return false;
  }
}
