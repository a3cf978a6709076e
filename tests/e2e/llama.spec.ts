import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOracle, relativeDifference } from '../golden/gpt2-oracle';
import { LLAMA_ORACLE_FILE, LLAMA_SETTINGS } from '../golden/llama-oracle';
import { expectSameAfterKill, KILLED, submitCut } from './support/cuts';
import { LiveCluster } from './support/live-cluster';
import { OracleTraining } from './support/oracle-training';
import { createSmallDataset } from './support/small-run';

/** Compares the oracle of a llama with the same run through REST and real agents; parity.spec.ts tests gpt2 further. */
const CUTS = [
  { schedule: '1f1b', pp: 1 },
  { schedule: 'zb-v', pp: 2 },
  { schedule: 'zb-h1', pp: 4, recompute: 'full' },
] as const;

let cluster: LiveCluster;
beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
});
afterAll(async () => {
  await cluster.stop();
});

it('has the losses and norms of the doubles, and the same bytes at the end, however it is cut', async () => {
  const training = await OracleTraining.prepare(cluster, LLAMA_SETTINGS);
  const ids: string[] = [];
  for (const cut of CUTS) ids.push(await training.submit(cut));
  const oracle = readOracle(LLAMA_ORACLE_FILE);
  const hashes = new Set<string>();
  for (const id of ids) {
    await cluster.untilRun(id, ['succeeded'], 280_000);
    const values = async (name: string): Promise<number[]> =>
      (await cluster.metric(id, name)).map(({ value }) => value);
    expect(relativeDifference(await values('train/loss'), oracle.losses)).toBeLessThan(5e-6);
    expect(relativeDifference(await values('train/grad_norm'), oracle.gradientNorms)).toBeLessThan(5e-5);
    const file = await training.exported(await training.lastCheckpoint(id));
    hashes.add(createHash('sha256').update(file).digest('hex'));
  }
  expect(hashes.size).toBe(1);
});

it('goes on to the same losses and bytes when an agent is killed', async () => {
  await createSmallDataset(cluster.client);
  const small = { family: 'llama', heads: 6, kvHeads: 2, headSize: 12, tieEmbeddings: true } as const;
  const calm = await submitCut(cluster, 'calm', { parallel: { pp: 1 }, train: KILLED, model: small });
  await cluster.untilRun(calm, ['succeeded']);
  const undisturbed = await cluster.outcome(calm);
  expect(undisturbed.losses).toHaveLength(KILLED.steps);
  await expectSameAfterKill(cluster, ['zb-v', 2], { undisturbed, model: small });
});
