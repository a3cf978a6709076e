import type { Clock } from '@millrace/core';
import type { KernelVariant } from '@millrace/kernels';
import { describe, expect, it } from 'vitest';
import { tune } from './tune';
import type { TuningCase } from './tuning-cases';

const variant = (form: string): KernelVariant => ({
  wgsl: `matmul_nn_${form}`,
  overrides: {},
  workgroups: [1, 1, 1],
  rounding: 'ascending',
  form,
});
const tuned = (bucket: string, forms: readonly string[] = ['usual', 'small', 'tile']): TuningCase => ({
  kernel: 'matmul_nn',
  bucket,
  dims: { M: 1, K: 1, N: 1 },
  variants: forms.map(variant),
});

/** Times by form; each measurement takes as long as it says, on a clock that nothing else moves. */
function measured(times: Readonly<Record<string, number | undefined>>) {
  let nowMs = 0;
  const order: string[] = [];
  const clock = { now: () => nowMs, monotonicMs: () => nowMs } as Clock;
  const measure = ({ bucket }: TuningCase, { form }: KernelVariant): Promise<number | undefined> => {
    order.push(`${bucket} ${form}`);
    const ms = `${bucket} ${form}` in times ? times[`${bucket} ${form}`] : times[form!];
    nowMs += ms ?? 1;
    return Promise.resolve(ms);
  };
  return { clock, measure, order, stopped: () => false };
}

describe('tune', () => {
  it('takes the fastest variant of each case, the same for the same times', async () => {
    const times = { usual: 10, small: 8, tile: 9, 'M1 small': 30, 'M1 tile': 5 };
    const once = await tune([tuned('M0'), tuned('M1')], { ...measured(times), boundMs: 1000 });
    expect(once).toEqual([
      { kernel: 'matmul_nn', bucket: 'M0', form: 'small', ms: 8, usualMs: 10 },
      { kernel: 'matmul_nn', bucket: 'M1', form: 'tile', ms: 5, usualMs: 10 },
    ]);
    expect(await tune([tuned('M0'), tuned('M1')], { ...measured(times), boundMs: 1000 })).toEqual(once);
  });

  it('stays with the usual one where others are hardly better, and says so', async () => {
    const [choice] = await tune([tuned('M0')], { ...measured({ usual: 10, small: 9.6, tile: 9.8 }), boundMs: 1000 });
    expect(choice).toMatchObject({ form: 'usual', ms: 10, usualMs: 10 });
  });

  it('measures the usual one first, and leaves out what cannot be used', async () => {
    const times = { usual: 10, small: undefined, tile: 9, 'M1 usual': undefined };
    const parts = measured(times);
    const choices = await tune([tuned('M1'), tuned('M0')], { ...parts, boundMs: 1000 });
    expect(choices.map(({ bucket, form }) => `${bucket} ${form}`)).toEqual(['M0 tile']);
    expect(parts.order).toEqual(['M1 usual', 'M0 usual', 'M0 small', 'M0 tile']);
  });

  it('ends at its bound, without a choice for the case that it did not get through', async () => {
    const parts = measured({ usual: 10, small: 8, tile: 9 });
    const choices = await tune([tuned('M0'), tuned('M1'), tuned('M2')], { ...parts, boundMs: 40 });
    expect(choices.map(({ bucket }) => bucket)).toEqual(['M0']);
    expect(parts.order.at(-1)).toBe('M1 small');
    expect(parts.clock.monotonicMs()).toBeLessThanOrEqual(40 + 10);
  });

  it('ends when the device is wanted for something else', async () => {
    const parts = measured({ usual: 10, small: 8, tile: 9 });
    const stopped = (): boolean => parts.order.length >= 4;
    const choices = await tune([tuned('M0'), tuned('M1')], { ...parts, stopped, boundMs: 1000 });
    expect(choices.map(({ bucket }) => bucket)).toEqual(['M0']);
  });
});
