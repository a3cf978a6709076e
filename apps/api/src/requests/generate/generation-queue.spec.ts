import { describe, expect, it } from 'vitest';
import { tooManyGenerations } from '../../ledger/agents/generate.errors';
import { GenerationQueue } from './generation-queue';

describe('GenerationQueue', () => {
  it('gives an agent one at a time, in order, and refuses more than may wait', async () => {
    const queue = new GenerationQueue(2, tooManyGenerations);
    const order: string[] = [];
    let release: () => void = () => undefined;
    const first = queue.run(['a'], () =>
      new Promise<void>((resolve) => (release = resolve)).then(() => void order.push('first')),
    );
    const second = queue.run(['a'], async () => void order.push('second'));
    const third = queue.run(['a'], async () => Promise.reject(new Error('of the third')));
    expect(() => queue.run(['a'], async () => undefined)).toThrow(
      expect.objectContaining({ code: 'GENERATE.BUSY', kind: 'unavailable' }) as Error,
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);
    release();
    await first;
    await second;
    await expect(third).rejects.toThrow('of the third');
    expect(order).toEqual(['first', 'second']);
    expect(await queue.run(['a'], async () => 4)).toBe(4);
  });

  it('holds up nobody for an agent that does not answer but those who share it', async () => {
    const queue = new GenerationQueue(8, tooManyGenerations);
    let release: () => void = () => undefined;
    const silent = queue.run(['a', 'b'], () => new Promise<void>((resolve) => (release = resolve)));
    expect(await queue.run(['c'], async () => 'at once')).toBe('at once');
    await new Promise((resolve) => setImmediate(resolve));
    expect([queue.isBusy('a'), queue.isBusy('c')]).toEqual([true, false]);
    let begun = false;
    const shared = queue.run(['b', 'c'], async () => void (begun = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toBe(false);
    release();
    await Promise.all([silent, shared]);
    expect(queue.isBusy('b')).toBe(false);
  });
});
