import { afterAll, beforeAll, expect, it } from 'vitest';
import { submitCut } from './support/cuts';
import { LiveCluster } from './support/live-cluster';
import { createSmallDataset } from './support/small-run';

const TIMEOUT_MS = 900_000;
const STEPS = 300;
const LONG = { steps: STEPS, evalEvery: 0, checkpointEvery: 0 } as const;

let cluster: LiveCluster;
beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 2 });
  await createSmallDataset(cluster.client);
});
afterAll(async () => {
  await cluster.stop();
});

it.each([{ family: 'gpt2' }, { family: 'llama', heads: 6, kvHeads: 2, headSize: 12 }] as const)(
  'learns in f16 as in f32: the mean loss of steps 201 to 300 of $family is within 1%',
  async (model) => {
    const losses = async (precision: 'f32' | 'f16'): Promise<number[]> => {
      const id = await submitCut(cluster, precision, { parallel: { pp: 1 }, train: { ...LONG, precision }, model });
      await cluster.untilRun(id, ['succeeded'], TIMEOUT_MS);
      return (await cluster.metric(id, 'train/loss')).map(({ value }) => value);
    };
    const [full, half] = await Promise.all([losses('f32'), losses('f16')]);
    expect([full.length, half.length]).toEqual([STEPS, STEPS]);
    const meanOfLast = (values: readonly number[]): number =>
      values.slice(200).reduce((sum, loss) => sum + loss, 0) / 100;
    // It has learned most of what can be known: a fifth of the tokens is noise.
    expect(meanOfLast(full)).toBeLessThan(0.6 * full[0]!);
    expect(half).not.toEqual(full);
    expect(Math.abs(meanOfLast(half) / meanOfLast(full) - 1)).toBeLessThan(0.01);
  },
  2 * TIMEOUT_MS,
);
