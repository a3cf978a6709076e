import { describe, expect, it } from 'vitest';
import { MessageMemory } from './message-memory';

describe('message memory', () => {
  it('gives what was given back to messages of about the same size, once', () => {
    const memory = new MessageMemory();
    const first = memory.take(100_000);
    expect(first.byteLength - 100_000).toBeLessThan(512);
    memory.give(first);
    memory.give(first);
    expect(memory.take(200_000)).not.toBe(first);
    expect(memory.take(99_990)).toBe(first);
    expect(memory.take(100_000)).not.toBe(first);
  });

  it('keeps neither small memory, nor that of others, nor what changed threads', () => {
    const memory = new MessageMemory();
    const small = memory.take(100);
    const foreign = new ArrayBuffer(100_001);
    const moved = memory.take(100_000);
    structuredClone(moved, { transfer: [moved] });
    for (const buffer of [small, foreign, moved]) memory.give(buffer);
    expect(memory.take(100)).not.toBe(small);
    expect(memory.take(100_000).byteLength).toBeGreaterThan(0);
  });

  it('does not keep the sizes of an old attempt for ever', () => {
    const memory = new MessageMemory();
    const old = Array.from({ length: 8 }, () => memory.take(16 * 2 ** 20));
    for (const buffer of old) memory.give(buffer);
    memory.give(memory.take(2 ** 20));
    expect(old).not.toContain(memory.take(16 * 2 ** 20));
  });
});
