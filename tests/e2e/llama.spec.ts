import { createHash } from 'node:crypto';
import { encodeHuggingFace } from '@millrace/checkpoint';
import type { RunSpecInput } from '@millrace/contracts';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { tokenText } from '@millrace/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOracle } from '../golden/gpt2-oracle';
import { LLAMA_ORACLE_FILE, LLAMA_SETTINGS } from '../golden/llama-oracle';
import { expectSameAfterKill, KILLED, submitCut } from './support/cuts';
import { LiveCluster } from './support/live-cluster';
import { createSmallDataset } from './support/small-run';

/** Compares the oracle of a llama with the same run through REST and real agents; parity.spec.ts tests gpt2 further. */
const { model, microBatch, microBatches, steps, seed, lr, betas, eps, weightDecay, clip } = LLAMA_SETTINGS;
const GLOBAL = microBatch * microBatches;
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

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts);
}

function initialModel(): Promise<Buffer<ArrayBuffer>> {
  const parameters = new Map(allParameters(model).map((parameter) => [parameter.name, parameter]));
  return joined(
    encodeHuggingFace([...parameters.values()], (name) =>
      Promise.resolve(initialiseParameter(parameters.get(name) as ParameterDeclaration, seed)),
    ),
  );
}

function specOf(id: string, parallel: (typeof CUTS)[number]): RunSpecInput {
  return {
    name: `llama-${parallel.schedule}`,
    model: { ...model, family: 'llama', init: { from: 'safetensors', id } },
    data: { dataset: 'oracle', order: 'sequential' },
    train: {
      steps,
      batch: { global: GLOBAL, micro: microBatch },
      optimizer: { type: 'adamw', lr: lr.peak, betas: [...betas], eps, weightDecay },
      lr: { schedule: 'cosine', warmup: lr.warmup, ...(lr.min === undefined ? {} : { min: lr.min }) },
      clip,
    },
    parallel,
  };
}

/** The largest relative difference, which is NaN if a value is missing. */
function relative(actual: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((value, index) => Math.abs((actual[index] ?? NaN) / value - 1)));
}

it('has the losses and norms of the doubles, and the same bytes at the end, however it is cut', async () => {
  const tokens = Uint16Array.from(tokenText(model.vocab, steps * GLOBAL * model.context + 1));
  const body = new Uint8Array(tokens.buffer);
  await cluster.client.createDataset({ name: 'oracle', contentType: 'application/x-tokens-u16', body });
  const { id: modelId } = await cluster.client.importModel(await initialModel());
  const ids: string[] = [];
  for (const cut of CUTS) ids.push((await cluster.client.submitRun(specOf(modelId, cut))).id);
  const oracle = readOracle(LLAMA_ORACLE_FILE);
  const hashes = new Set<string>();
  for (const id of ids) {
    await cluster.untilRun(id, ['succeeded'], 280_000);
    const values = async (name: string): Promise<number[]> =>
      (await cluster.metric(id, name)).map(({ value }) => value);
    expect(relative(await values('train/loss'), oracle.losses)).toBeLessThan(5e-6);
    expect(relative(await values('train/grad_norm'), oracle.gradientNorms)).toBeLessThan(5e-5);
    const last = (await cluster.client.checkpoints(id)).items.find(({ step }) => step === steps);
    const file = await joined(await cluster.client.exportModel(last?.id ?? ''));
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
