import { beforeAll, describe, expect, it } from 'vitest';
import { expectOutcomeOfAll, type WholeOutcomes, wholeOutcomes } from '../../test/schedule-product';

const SPLITS = new Map([
  [1, [4]],
  [2, [3, 1]],
  [3, [0, 3, 1]],
  [4, [1, 1, 2, 0]],
]);

/** The contract of bit-exactness, on the twins, in one process: here the schedules of one chunk per rank. */
describe('losses, norms and weights are the same bits', () => {
  let whole: WholeOutcomes;
  beforeAll(async () => {
    whole = await wholeOutcomes(4);
  }, 120_000);

  it.each(['gpipe', '1f1b', 'zb-h1', 'zb-h2'] as const)(
    'under %s on 1 to 4 ranks with every recompute setting',
    { timeout: 600_000 },
    async (schedule) => {
      expect.hasAssertions();
      await expectOutcomeOfAll(whole, schedule, SPLITS);
    },
  );
});
