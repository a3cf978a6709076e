import { expect, it } from 'vitest';
import { FakeClock } from './fake-clock';
import { JumpingClock } from './jumping-clock';

it('goes on with the clock behind it, and fires at a jump what is due by then', () => {
  const real = new FakeClock();
  const clock = new JumpingClock(real);
  const fired: string[] = [];
  clock.after(300, () => fired.push('third'));
  clock.after(100, () => fired.push('first'));
  const cancel = clock.after(50, () => fired.push('never'));
  clock.after(200, () => fired.push('second'));
  cancel();
  clock.jump(250);
  expect(fired).toEqual(['first', 'second']);
  expect([clock.monotonicMs(), clock.now() - real.now()]).toEqual([250, 250]);
  // 50 ms are left, by the clock behind it.
  real.fireNext();
  expect(fired).toEqual(['first', 'second', 'third']);
  expect([real.monotonicMs(), clock.monotonicMs()]).toEqual([50, 300]);
  expect(real.fireNext()).toBe(false);
});
