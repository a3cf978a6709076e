import { afterAll, beforeAll, expect, it } from 'vitest';
import { cut, expectSameAfterKill, expectSameOfAll, KILLED, submitCut } from './support/cuts';
import { LiveCluster } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

/**
 * Half precision on real agents: pairs of what apps/agent tests whole on twins (half-product.spec.ts, wire.spec.ts).
 * Overflows are planted there, too (overflow.spec.ts).
 */
const HALF = { precision: 'f16' } as const;
const GPT2 = { family: 'gpt2' } as const;
const LLAMA = { family: 'llama', heads: 6, kvHeads: 2, headSize: 12, tieEmbeddings: true } as const;

let cluster: LiveCluster;
beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 3 });
  await createSmallDataset(cluster.client);
});
afterAll(async () => {
  await cluster.stop();
});

it.each([
  [GPT2, [cut('zb-v', 2, 'full'), cut('1f1b', 3, 'selective')]],
  [LLAMA, [cut('interleaved', 2, 'selective'), cut('zb-h2', 3, 'full', 'off')]],
] as const)('gives %o the same losses and weights however it is cut, close to those of f32', async (model, cuts) => {
  const half = await expectSameOfAll(cluster, cuts, { timeoutMs: 200_000, model, train: HALF });
  const full = await expectSameOfAll(cluster, [], { timeoutMs: 100_000, model });
  expect(half.losses).not.toEqual(full.losses);
  half.losses.forEach((loss, step) => expect(Math.abs(loss / full.losses[step]! - 1)).toBeLessThan(0.01));
});

it('goes on to the same losses and weights when an agent is killed, and tells the scale of the loss', async () => {
  const calm = await submitCut(cluster, 'calm', { parallel: { pp: 1 }, train: { ...KILLED, ...HALF } });
  await cluster.untilRun(calm, ['succeeded']);
  const undisturbed = await cluster.outcome(calm);
  const scales = await cluster.metric(calm, 'train/loss_scale');
  expect(scales.map(({ value }) => value)).toEqual(Array(KILLED.steps).fill(2 ** 16));
  await expectSameAfterKill(cluster, ['zb-v', 2], { undisturbed, train: HALF });
});

it('rounds only what crosses between stages under parallel.wire f16, and the plan says so', async () => {
  const run = (wire: 'f32' | 'f16'): ReturnType<typeof smallRun> => smallRun(`wire-${wire}`, { parallel: { wire } });
  expect((await cluster.client.planRun(run('f16'))).notes).toEqual([
    expect.stringMatching(/rounds activations and their gradients between stages/),
  ]);
  const [exact, rounded] = [await cluster.client.submitRun(run('f32')), await cluster.client.submitRun(run('f16'))];
  for (const { id } of [exact, rounded]) await cluster.untilRun(id, ['succeeded']);
  const [plain, half] = [await cluster.outcome(exact.id), await cluster.outcome(rounded.id)];
  expect(half.losses).not.toEqual(plain.losses);
  half.losses.forEach((loss, step) => expect(Math.abs(loss / plain.losses[step]! - 1)).toBeLessThan(0.01));
});
