import { beforeAll, describe, expect, it } from 'vitest';
import { expectOutcomeOfAll, type WholeOutcomes, wholeOutcomes } from '../../test/schedule-product';

const MODEL = { family: 'llama' as const, heads: 6, kvHeads: 2, headSize: 8, hidden: 30, ffn: 17 };
const LAYERS = 4;
const SPLITS = new Map([
  [1, [4]],
  [2, [3, 1]],
  [3, [0, 3, 1]],
  [4, [1, 1, 2, 0]],
]);
const CHUNKED_SPLITS = new Map([
  [1, [3, 1]],
  [2, [1, 2, 1, 0]],
  [3, [0, 1, 1, 1, 1, 0]],
]);
const TIMEOUT_MS = 1_200_000;

/** Every schedule of the contract with every number of ranks; llama-schedule-product.spec.ts has one of each kind. */
describe.each([true, false])(
  'losses, norms and weights of a llama (tied embeddings: %s) are the same bits',
  (tieEmbeddings) => {
    let whole: WholeOutcomes;
    beforeAll(async () => {
      whole = await wholeOutcomes(LAYERS, { model: { ...MODEL, tieEmbeddings } });
    }, 240_000);

    it.each(['gpipe', '1f1b', 'zb-h1', 'zb-h2'] as const)(
      'under %s on 1 to 4 ranks with every recompute setting',
      { timeout: TIMEOUT_MS },
      async (schedule) => {
        expect.hasAssertions();
        await expectOutcomeOfAll(whole, schedule, SPLITS);
      },
    );

    it.each(['interleaved', 'looped-bfs', 'zb-v', 'dualpipe-v'] as const)(
      'under %s on 1 to 3 ranks with every recompute setting',
      { timeout: TIMEOUT_MS },
      async (schedule) => {
        expect.hasAssertions();
        await expectOutcomeOfAll(whole, schedule, CHUNKED_SPLITS);
      },
    );
  },
);
