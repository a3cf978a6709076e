import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectOutcomeOfAll,
  SCHEDULE_OF_EACH_KIND,
  type WholeOutcomes,
  wholeOutcomes,
} from '../../test/schedule-product';

const LLAMA = { family: 'llama' as const, heads: 6, kvHeads: 2, headSize: 8, hidden: 30, ffn: 17 };

/** Tests the contract of bit-exactness for the other family, on the twins, with a schedule of each kind. */
describe.each([true, false])(
  'a llama (tied embeddings: %s) has the same losses, norms and weights',
  (tieEmbeddings) => {
    let whole: WholeOutcomes;
    beforeAll(async () => {
      whole = await wholeOutcomes(4, { model: { ...LLAMA, tieEmbeddings } });
    }, 120_000);

    it.each(SCHEDULE_OF_EACH_KIND)(
      'under %s on %i ranks with every recompute setting',
      { timeout: 300_000 },
      async (schedule, ranks, split) => {
        expect.hasAssertions();
        await expectOutcomeOfAll(whole, schedule, new Map([[ranks, split]]));
      },
    );
  },
);
