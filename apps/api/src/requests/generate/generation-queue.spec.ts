import { describe, expect, it } from 'vitest';
import { tooManyGenerations } from '../../ledger/agents/generate.errors';
import { GenerationQueue } from './generation-queue';

describe('GenerationQueue', () => {
  it('runs one at a time, in order, and refuses more than may wait', async () => {
    const queue = new GenerationQueue(2, tooManyGenerations);
    const order: string[] = [];
    let release: () => void = () => undefined;
    const first = queue.run(() =>
      new Promise<void>((resolve) => (release = resolve)).then(() => void order.push('first')),
    );
    const second = queue.run(async () => void order.push('second'));
    const third = queue.run(async () => Promise.reject(new Error('of the third')));
    expect(() => queue.run(async () => undefined)).toThrow(
      expect.objectContaining({ code: 'GENERATE.BUSY', kind: 'unavailable' }) as Error,
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);
    release();
    await first;
    await second;
    await expect(third).rejects.toThrow('of the third');
    expect(order).toEqual(['first', 'second']);
    expect(await queue.run(async () => 4)).toBe(4);
  });
});
