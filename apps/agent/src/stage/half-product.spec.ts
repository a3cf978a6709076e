import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectOutcomeOfAll,
  SCHEDULE_OF_EACH_KIND,
  type WholeOutcomes,
  wholeOutcomes,
} from '../../test/schedule-product';

const GPT2 = { family: 'gpt2' as const, dropout: 0.2 };
const LLAMA = { family: 'llama' as const, heads: 6, kvHeads: 2, headSize: 8, hidden: 30, ffn: 17 };

/** half-product.long.spec.ts asks for every schedule with both families. */
const IS_WHOLE = process.env['MILLRACE_HALVES'] === '1';

/** Tests the contract of bit-exactness in half precision, on the twins, with a schedule of each kind. */
describe.each([
  { ...GPT2, schedules: SCHEDULE_OF_EACH_KIND.filter(([name]) => IS_WHOLE || ['1f1b', 'zb-v'].includes(name)) },
  {
    ...LLAMA,
    schedules: SCHEDULE_OF_EACH_KIND.filter(([name]) => IS_WHOLE || ['zb-h2', 'interleaved'].includes(name)),
  },
])('a $family in f16 has the same losses, norms and weights', ({ schedules, ...model }) => {
  let whole: WholeOutcomes;
  let full: WholeOutcomes;
  beforeAll(async () => {
    whole = await wholeOutcomes(4, { model, precision: 'f16' });
    full = await wholeOutcomes(4, { model });
  }, 120_000);

  it('which are not those of f32', () => {
    expect(whole.bySteps.get(1)).not.toEqual(full.bySteps.get(1));
  });

  it.each(schedules)(
    'under %s on %i ranks with every recompute setting',
    { timeout: 300_000 },
    async (schedule, ranks, split) => {
      expect.hasAssertions();
      await expectOutcomeOfAll(whole, schedule, new Map([[ranks, split]]));
    },
  );
});
