import { describe, expect, it } from 'vitest';
import { GatheredCalls } from './gathered-calls';

/** Calls that end when told to. */
function controlled(): { calls: number[][]; work: (items: readonly number[]) => Promise<number>; end: (() => void)[] } {
  const calls: number[][] = [];
  const end: (() => void)[] = [];
  const work = (items: readonly number[]): Promise<number> => {
    const index = calls.push([...items]) - 1;
    return new Promise((resolve) => end.push(() => resolve(index)));
  };
  return { calls, work, end };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('GatheredCalls', () => {
  it('puts what is asked for during a call into the next one, which begins after it', async () => {
    const { calls, work, end } = controlled();
    const gathered = new GatheredCalls<number, number>();
    const first = gathered.ask('a', 1, work);
    await turn();
    const others = [gathered.ask('a', 2, work), gathered.ask('a', 3, work)];
    await turn();
    expect(calls).toEqual([[1]]);
    end[0]!();
    await turn();
    expect(calls).toEqual([[1], [2, 3]]);
    end[1]!();
    expect(await Promise.all([first, ...others])).toEqual([0, 1, 1]);
  });

  it('does not make keys wait for one another', async () => {
    const { calls, work } = controlled();
    const gathered = new GatheredCalls<number, number>();
    void gathered.ask('a', 1, work);
    void gathered.ask('b', 2, work);
    await turn();
    expect(calls).toEqual([[1], [2]]);
  });

  it('goes on after a call that failed, which all of its callers hear of', async () => {
    const gathered = new GatheredCalls<number, number>();
    const fails = (): Promise<number> => Promise.reject(new Error('gone'));
    const asked = [gathered.ask('a', 1, fails), gathered.ask('a', 2, fails)];
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await gathered.ask('a', 3, (items) => Promise.resolve(items.length))).toBe(1);
  });
});
