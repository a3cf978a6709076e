import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOracle, relativeDifference } from '../golden/gpt2-oracle';
import { LLAMA_ORACLE_FILE, LLAMA_SETTINGS } from '../golden/llama-oracle';
import { expectSameAfterKill, KILLED, submitCut } from './support/cuts';
import { LiveCluster } from './support/live-cluster';
import { OracleTraining } from './support/oracle-training';
import { createSmallDataset } from './support/small-run';

/**
 * Compares the oracle of a llama with the same run through REST and real agents. apps/agent has the other schedules
 * (llama-schedule-product.spec.ts), and parity.long.spec.ts all of them, for both families and the traces of PyTorch.
 */
const CUTS = [
  { schedule: '1f1b', pp: 1 },
  { schedule: 'gpipe', pp: 4 },
  { schedule: 'looped-bfs', pp: 2, chunks: 2, recompute: 'selective' },
  { schedule: 'zb-h1', pp: 4, recompute: 'full' },
  { schedule: 'zb-v', pp: 2 },
  { schedule: 'dualpipe-v', pp: 2 },
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
    const { losses, norms } = await training.course(id);
    expect(relativeDifference(losses, oracle.losses)).toBeLessThan(5e-6);
    expect(relativeDifference(norms, oracle.gradientNorms)).toBeLessThan(5e-5);
    const file = await training.exported(await training.lastCheckpoint(id));
    hashes.add(createHash('sha256').update(file).digest('hex'));
  }
  expect(hashes.size).toBe(1);
});

it('goes on to the same losses and bytes with dropout when an agent is killed', async () => {
  await createSmallDataset(cluster.client);
  const small = { family: 'llama', heads: 6, kvHeads: 2, headSize: 12, tieEmbeddings: true, dropout: 0.1 } as const;
  const calm = await submitCut(cluster, 'calm', { parallel: { pp: 1 }, train: KILLED, model: small });
  await cluster.untilRun(calm, ['succeeded']);
  const undisturbed = await cluster.outcome(calm);
  expect(undisturbed.losses).toHaveLength(KILLED.steps);
  await expectSameAfterKill(cluster, ['zb-v', 2], { undisturbed, model: small });
});
