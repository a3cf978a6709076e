import { FakeClock } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { RememberedAnswer } from './remembered-answer';

describe('a remembered answer', () => {
  it('is made once for who asks at once or soon after, and anew later', async () => {
    const clock = new FakeClock();
    let madeCount = 0;
    const answer = new RememberedAnswer(clock, 1_000, async () => ++madeCount);
    expect(await Promise.all([answer.get(), answer.get()])).toEqual([1, 1]);
    clock.standStill(999);
    expect(await answer.get()).toBe(1);
    clock.standStill(1);
    expect(await answer.get()).toBe(2);
  });

  it('that failed is not remembered', async () => {
    let fails = true;
    const answer = new RememberedAnswer(new FakeClock(), 1_000, async () => {
      if (fails) throw new RangeError('no');
      return 'yes';
    });
    await expect(Promise.all([answer.get(), answer.get()])).rejects.toThrow('no');
    fails = false;
    expect(await answer.get()).toBe('yes');
  });
});
