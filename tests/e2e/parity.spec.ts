import { createHash } from 'node:crypto';
import { memoryAccess, SafetensorsFile } from '@millrace/checkpoint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTensor, isKeyBias, ORACLE_SETTINGS, readOracle, relativeDifference } from '../golden/gpt2-oracle';
import { LiveCluster } from './support/live-cluster';
import { OracleTraining, PARITY_CUTS, type Parallel } from './support/oracle-training';

/** The oracle's 20 steps beside the same run through REST and real agents: weights in, training, weights out. */
let cluster: LiveCluster;
let training: OracleTraining;
const runIds = new Map<Parallel, string>();
const { steps } = ORACLE_SETTINGS;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  training = await OracleTraining.prepare(cluster, ORACLE_SETTINGS);
  // All at once: the queue fills the agents.
  for (const parallel of PARITY_CUTS) runIds.set(parallel, await training.submit(parallel));
});

afterAll(async () => {
  await cluster.stop();
});

async function worstWeight(file: Buffer): Promise<number> {
  const weights = await SafetensorsFile.open(memoryAccess(file));
  let worst = 0;
  for (const [name, text] of Object.entries(readOracle().finalWeights)) {
    const actual = await weights.readFloat32(name);
    decodeTensor(text).forEach((value, index) => {
      if (!isKeyBias(ORACLE_SETTINGS.model, name, index))
        worst = Math.max(worst, Math.abs((actual[index] ?? NaN) - value));
    });
  }
  return worst;
}

const hashes = new Map<Parallel, string>();

describe.each(PARITY_CUTS)('$schedule on $pp agents', (parallel) => {
  const name = `${parallel.schedule} on ${parallel.pp}`;
  let runId: string;
  let checkpointId: string;

  beforeAll(async () => {
    runId = runIds.get(parallel) ?? '';
    await cluster.untilRun(runId, ['succeeded'], 280_000);
    checkpointId = await training.lastCheckpoint(runId);
  });

  it.each([
    ['loss', 'train/loss', 5e-6, 'losses'],
    ['gradient norm', 'train/grad_norm', 5e-5, 'gradientNorms'],
  ] as const)('%s is that of the doubles at every step', async (what, metric, tolerance, trace) => {
    const points = await cluster.metric(runId, metric);
    expect(points.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
    const worst = relativeDifference(
      points.map(({ value }) => value),
      readOracle()[trace],
    );
    console.log(`${name}, ${what}: ${worst.toExponential(1)} relative`);
    expect(worst).toBeLessThan(tolerance);
  });

  it('final weights are those of the doubles within 2e-4', async () => {
    const file = await training.exported(checkpointId);
    hashes.set(parallel, createHash('sha256').update(file).digest('hex'));
    const worst = await worstWeight(file);
    console.log(`${name}, final weights: ${worst.toExponential(1)}`);
    expect(worst).toBeLessThan(2e-4);
  });
});

it('an export is imported again, and is the same file then', async () => {
  const file = await training.exported(await training.lastCheckpoint(runIds.get(PARITY_CUTS[0]!) ?? ''));
  const again = await cluster.client.importModel(file);
  expect(Buffer.compare(await training.exported(again.id), file)).toBe(0);
});

it('the exported files are the same to the last byte', () => {
  expect(new Set(hashes.values()).size).toBe(1);
  expect([...hashes.keys()]).toEqual(PARITY_CUTS);
});
