import { beforeAll, describe, expect, it } from 'vitest';
import { expectOutcomeOfAll, type WholeOutcomes, wholeOutcomes } from '../../test/schedule-product';

/** Eight stages of six layers have empty ends: embedding or head alone. */
const SPLITS = new Map([
  [1, [5, 1]],
  [2, [1, 3, 2, 0]],
  [3, [1, 1, 2, 1, 1, 0]],
  [4, [0, 1, 1, 1, 1, 1, 1, 0]],
]);

/** The contract of bit-exactness, on the twins, in one process: here the schedules in the form of a V. */
describe('losses, norms and weights are the same bits', () => {
  let whole: WholeOutcomes;
  beforeAll(async () => {
    whole = await wholeOutcomes(6);
  }, 120_000);

  it.each(['zb-v', 'dualpipe-v'] as const)(
    'under %s on 1 to 4 ranks with every recompute setting, optimistic step on and off',
    { timeout: 600_000 },
    async (schedule) => {
      expect.hasAssertions();
      await expectOutcomeOfAll(whole, schedule, SPLITS);
    },
  );
});
