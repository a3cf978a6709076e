import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  cut,
  expectSameAfterKill,
  expectSameOfAll,
  KILLED,
  type Parallel,
  type Recompute,
  type Schedule,
  submitCut,
} from './support/cuts';
import { LiveCluster, type Outcome } from './support/live-cluster';
import { createSmallDataset } from './support/small-run';

/**
 * Together they meet every pair of (agents, recompute), (agents, optimistic step) and (recompute, optimistic step), and
 * each schedule meets several of them. The twins run the whole product (apps/agent, *-product.spec.ts), and so does
 * bit-exactness.long.spec.ts.
 */
const COVER: readonly (readonly [Schedule, number, Recompute, ('on' | 'off')?])[] = [
  ['gpipe', 3, 'selective'],
  ['gpipe', 2, 'full'],
  ['1f1b', 4, 'full'],
  ['interleaved', 3, 'none'],
  ['interleaved', 2, 'selective'],
  ['looped-bfs', 4, 'full'],
  ['zb-h1', 3, 'selective'],
  ['zb-h2', 2, 'none', 'on'],
  ['zb-h2', 4, 'selective', 'off'],
  ['zb-h2', 1, 'full', 'off'],
  ['zb-v', 3, 'full', 'on'],
  ['zb-v', 1, 'selective', 'on'],
  ['zb-v', 2, 'selective', 'off'],
  ['dualpipe-v', 4, 'none', 'off'],
  ['dualpipe-v', 3, 'full', 'off'],
  ['dualpipe-v', 4, 'selective', 'on'],
];

/** A schedule that nobody generates: one more forward in advance than 1f1b has, and every W of rank 0 at the end. */
const OWN: Parallel = {
  schedule: 'csv',
  scheduleCsv: [
    '0F0,0F1,0F2,0F3,0I0,0F4,0I1,0I2,0I3,0I4,0W0,0W1,0W2,0W3,0W4',
    '1F0,1I0,1F1,1F2,1I1,1W0,1W1,1I2,1F3,1I3,1W2,1F4,1I4,1W3,1W4',
  ].join('\n'),
  pp: 2,
  partition: [1, 5],
  recompute: 'selective',
};

let cluster: LiveCluster;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster.stop();
});

it('gives the same losses and weights, to the last bit, however a run is cut', { timeout: 480_000 }, async () => {
  expect.hasAssertions();
  await expectSameOfAll(cluster, [...COVER.map((each) => cut(...each)), OWN], { timeoutMs: 400_000 });
});

it.each([{ family: 'gpt2' }, { family: 'llama', heads: 6, kvHeads: 2, headSize: 12, tieEmbeddings: true }] as const)(
  'drops the same elements of a $family however a run is cut',
  async (model) => {
    const cuts = [cut('zb-v', 2, 'full'), cut('1f1b', 3, 'selective')];
    const dropped = await expectSameOfAll(cluster, cuts, { timeoutMs: 200_000, model: { ...model, dropout: 0.1 } });
    const whole = await expectSameOfAll(cluster, [], { timeoutMs: 100_000, model });
    expect(dropped.losses[0]).not.toBe(whole.losses[0]);
  },
);

let undisturbed: Outcome;

it('trains undisturbed', async () => {
  const id = await submitCut(cluster, 'calm', { parallel: { pp: 1 }, train: KILLED });
  await cluster.untilRun(id, ['succeeded']);
  undisturbed = await cluster.outcome(id);
  expect(undisturbed.losses).toHaveLength(KILLED.steps);
});

it.each([
  ['gpipe', '1f1b'],
  ['interleaved', 'looped-bfs'],
  ['zb-h1', 'zb-h2'],
  ['zb-v', 'dualpipe-v'],
] as const)('gives the same under %s and %s, side by side, when an agent of each is killed', async (...schedules) => {
  expect.hasAssertions();
  await Promise.all(schedules.map((schedule) => expectSameAfterKill(cluster, [schedule, 2], { undisturbed })));
});
