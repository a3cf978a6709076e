import { FakeClock } from '@millrace/testing';
import { KERNELS } from '@millrace/kernels';
import { describe, expect, it } from 'vitest';
import { dispatchMs, movingMs } from './dispatch-cost';
import { SubmissionPace } from './submission-pace';

const SPEED = { matmulGflops: 1000, memoryGBps: 100 };

describe('the cost of a launch', () => {
  it('is what it computes and moves by the speed of the device', () => {
    const dims = { M: 1000, K: 1000, N: 1000 };
    expect(dispatchMs(KERNELS.matmul_nt, dims, SPEED)).toBeCloseTo(2 + 0.12, 9);
    expect(movingMs(100e6, SPEED)).toBeCloseTo(1, 9);
  });

  it('is eight times that where the kernel is none of those that were measured', () => {
    const L = 1e6;
    const { flops, bytes } = KERNELS.add;
    const expected = 8 * (flops({ L }) / 1e9 + bytes({ L }) / 100e6);
    expect(dispatchMs(KERNELS.add, { L }, SPEED)).toBeCloseTo(expected, 9);
  });
});

describe('the pace of submissions', () => {
  const clock = new FakeClock();
  const open = (adapterClass: 'cpu' | 'gpu', msMax?: number): SubmissionPace =>
    new SubmissionPace({ adapterClass, clock, speed: SPEED, ...(msMax === undefined ? {} : { msMax }) });

  it('lets a submission last for 100 ms on a GPU', () => {
    const pace = open('gpu');
    expect([pace.fits(60, 0), pace.fits(60, 40), pace.fits(60, 41)]).toEqual([true, true, false]);
    expect([99, 100, 101, 1000].map((ms) => pace.partCount(ms))).toEqual([1, 1, 2, 16]);
    // What is a submission of its own already is not held back.
    expect(pace.fits(150, 0)).toBe(true);
  });

  it('exempts software drivers, unless it is given a bound', () => {
    expect([open('cpu').fits(1e9, 1e9), open('cpu').partCount(1e9)]).toEqual([true, 1]);
    expect(open('cpu', 10).partCount(25)).toBe(4);
  });

  it('bounds the number of parts', () => expect(open('gpu').partCount(1e12)).toBe(1024));

  it('changes the number of parts only where it doubles or halves, so that what was made for them serves again', () => {
    const pace = open('gpu');
    const costs = Array.from({ length: 1000 }, (_, index) => 101 + index * 7);
    const counts = costs.map((costMs) => pace.partCount(costMs));
    expect([...new Set(counts)]).toEqual([2, 4, 8, 16, 32, 64, 128]);
    costs.forEach((costMs, index) => {
      expect(costMs / counts[index]!).toBeLessThanOrEqual(100);
      expect(costMs / counts[index]!).toBeGreaterThan(50);
    });
  });

  it('cuts smaller what took longer than predicted, and finds back', () => {
    const pace = open('gpu');
    const run = (tookMs: number): void => {
      pace.submitted(1, 100);
      clock.standStill(tookMs);
      pace.done(1, true);
    };
    run(400);
    expect(pace.partCount(100), 'at most twice as slow by one measurement').toBe(2);
    run(400);
    expect(pace.partCount(100)).toBe(4);
    for (let round = 0; round < 20; round++) run(90);
    expect(pace.partCount(100), 'never faster than predicted').toBe(1);
  });

  describe('where a wait was late', () => {
    /** Whether the device counts as twice as slow as predicted, as it was measured to be. */
    const isTwiceAsSlow = (pace: SubmissionPace): boolean => !pace.fits(25, 30) && pace.fits(25, 25);
    const measured = (): SubmissionPace => {
      const pace = open('gpu');
      pace.submitted(1, 100);
      clock.standStill(200);
      pace.done(1, true);
      expect(isTwiceAsSlow(pace)).toBe(true);
      return pace;
    };

    it('learns nothing from what the device began meanwhile', () => {
      const pace = measured();
      pace.submitted(2, 100);
      pace.submitted(3, 100);
      // The device was done with the first after 200 ms, and is with the second after 400.
      clock.standStill(300);
      pace.done(2, false);
      clock.standStill(100);
      pace.done(3, true);
      expect(isTwiceAsSlow(pace)).toBe(true);
    });

    it('takes no second wait for the same work as the time at which the device was done', () => {
      const pace = measured();
      for (const serial of [2, 3, 4]) pace.submitted(serial, 100);
      clock.standStill(500);
      pace.done(3, false);
      pace.done(2, true);
      clock.standStill(100);
      pace.done(4, true);
      expect(isTwiceAsSlow(pace)).toBe(true);
    });

    it('learns again from what was submitted after it', () => {
      const pace = measured();
      pace.submitted(2, 100);
      clock.standStill(300);
      pace.done(2, false);
      clock.standStill(1);
      pace.submitted(3, 100);
      clock.standStill(100);
      pace.done(3, true);
      expect(isTwiceAsSlow(pace)).toBe(false);
    });
  });

  it('learns nothing from waits that were late, and nothing of a time without work', () => {
    const pace = open('gpu');
    pace.submitted(1, 100);
    clock.standStill(5000);
    pace.done(1, false);
    pace.submitted(2, 100);
    clock.standStill(5000);
    pace.submitted(3, 100);
    clock.standStill(100);
    pace.done(3, true);
    expect(pace.partCount(100)).toBe(1);
  });
});
