import { beforeAll, expect, it } from 'vitest';
import { expectOutcomeOfEverySplit, type WholeOutcomes, wholeOutcomes } from '../../test/schedule-product';

const LAYERS = 4;
const CHUNKED_LAYERS = 6;
const TIMEOUT_MS = 1_200_000;

let whole: WholeOutcomes;
let wholeChunked: WholeOutcomes;
beforeAll(async () => {
  whole = await wholeOutcomes(LAYERS);
  wholeChunked = await wholeOutcomes(CHUNKED_LAYERS);
}, 240_000);

it.each(['gpipe', '1f1b', 'zb-h1', 'zb-h2'] as const)(
  'losses, norms and weights are the same bits under %s, however the layers are split over 1 to 4 ranks',
  { timeout: TIMEOUT_MS },
  async (schedule) => {
    expect.hasAssertions();
    await expectOutcomeOfEverySplit(whole, schedule, { layers: LAYERS, chunks: 1 });
  },
);

it.each(['interleaved', 'looped-bfs', 'zb-v', 'dualpipe-v'] as const)(
  'losses, norms and weights are the same bits under %s, however the layers are split over chunks of 1 to 4 ranks',
  { timeout: TIMEOUT_MS },
  async (schedule) => {
    expect.hasAssertions();
    await expectOutcomeOfEverySplit(wholeChunked, schedule, { layers: CHUNKED_LAYERS, chunks: 2 });
  },
);
