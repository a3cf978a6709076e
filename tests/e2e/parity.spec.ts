import { createHash } from 'node:crypto';
import { encodeHuggingFace, memoryAccess, SafetensorsFile } from '@millrace/checkpoint';
import type { RunSpecInput } from '@millrace/contracts';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { tokenText } from '@millrace/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTensor, ORACLE_SETTINGS, readOracle } from '../golden/gpt2-oracle';
import { LiveCluster } from './support/live-cluster';

/** The oracle's 20 steps beside the same run through REST and real agents: weights in, training, weights out. */
let cluster: LiveCluster;
let modelId: string;
const runIds = new Map<Parallel, string>();
const { model, microBatch, microBatches, steps, seed, lr, betas, eps, weightDecay, clip } = ORACLE_SETTINGS;
const GLOBAL = microBatch * microBatches;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  const tokens = Uint16Array.from(tokenText(model.vocab, steps * GLOBAL * model.context + 1));
  await cluster.client.createDataset({
    name: 'oracle',
    contentType: 'application/x-tokens-u16',
    body: new Uint8Array(tokens.buffer),
  });
  modelId = (await cluster.client.importModel(await initialModel())).id;
  // All at once: the queue fills the agents.
  for (const parallel of CUTS) runIds.set(parallel, (await cluster.client.submitRun(specOf(parallel))).id);
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
    encodeHuggingFace(allParameters(model), (name) =>
      Promise.resolve(initialiseParameter(parameters.get(name) as ParameterDeclaration, seed)),
    ),
  );
}

async function exported(checkpointId: string): Promise<Buffer<ArrayBuffer>> {
  return joined(await cluster.client.exportModel(checkpointId));
}

async function lastCheckpoint(runId: string): Promise<string> {
  return (await cluster.client.checkpoints(runId)).items.find(({ step }) => step === steps)?.id ?? '';
}

type Parallel = NonNullable<RunSpecInput['parallel']>;

/** 1 to 4 stages under 1f1b, and every other synchronous schedule. */
const CUTS: readonly Parallel[] = [
  { schedule: '1f1b', pp: 1 },
  { schedule: '1f1b', pp: 2 },
  { schedule: '1f1b', pp: 4 },
  { schedule: 'gpipe', pp: 4 },
  { schedule: 'interleaved', pp: 2, chunks: 2 },
  { schedule: 'looped-bfs', pp: 2, chunks: 2 },
  { schedule: 'zb-h1', pp: 4 },
  { schedule: 'zb-h2', pp: 4 },
  { schedule: 'zb-v', pp: 2 },
  { schedule: 'dualpipe-v', pp: 2 },
];

function specOf(parallel: Parallel): RunSpecInput {
  const { layers, heads, hidden, ffn, context, vocab } = model;
  return {
    name: `parity-${parallel.schedule}-${parallel.pp}`,
    model: { family: 'gpt2', layers, heads, hidden, ffn, context, vocab, init: { from: 'safetensors', id: modelId } },
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

/** Largest relative difference; NaN where a value is missing. */
function relative(actual: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((value, index) => Math.abs((actual[index] ?? NaN) / value - 1)));
}

/** The gradient of the key bias is zero in exact arithmetic, so in f32 it is noise that Adam divides by itself. */
function isKeyBias(name: string, index: number): boolean {
  return name.endsWith('c_attn.bias') && index >= model.hidden && index < 2 * model.hidden;
}

async function worstWeight(file: Buffer): Promise<number> {
  const weights = await SafetensorsFile.open(memoryAccess(file));
  let worst = 0;
  for (const [name, text] of Object.entries(readOracle().finalWeights)) {
    const actual = await weights.readFloat32(name);
    decodeTensor(text).forEach((value, index) => {
      if (!isKeyBias(name, index)) worst = Math.max(worst, Math.abs((actual[index] ?? NaN) - value));
    });
  }
  return worst;
}

const hashes = new Map<Parallel, string>();

describe.each(CUTS)('$schedule on $pp agents', (parallel) => {
  const name = `${parallel.schedule} on ${parallel.pp}`;
  let runId: string;
  let checkpointId: string;

  beforeAll(async () => {
    runId = runIds.get(parallel) ?? '';
    await cluster.untilRun(runId, ['succeeded'], 280_000);
    checkpointId = await lastCheckpoint(runId);
  });

  it.each([
    ['loss', 'train/loss', 5e-6, 'losses'],
    ['gradient norm', 'train/grad_norm', 5e-5, 'gradientNorms'],
  ] as const)('%s is that of the doubles at every step', async (what, metric, tolerance, trace) => {
    const points = await cluster.metric(runId, metric);
    expect(points.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
    const worst = relative(
      points.map(({ value }) => value),
      readOracle()[trace],
    );
    console.log(`${name}, ${what}: ${worst.toExponential(1)} relative`);
    expect(worst).toBeLessThan(tolerance);
  });

  it('final weights are those of the doubles within 2e-4', async () => {
    const file = await exported(checkpointId);
    hashes.set(parallel, createHash('sha256').update(file).digest('hex'));
    const worst = await worstWeight(file);
    console.log(`${name}, final weights: ${worst.toExponential(1)}`);
    expect(worst).toBeLessThan(2e-4);
  });
});

it('an export is imported again, and is the same file then', async () => {
  const file = await exported(await lastCheckpoint(runIds.get(CUTS[0]!) ?? ''));
  const again = await cluster.client.importModel(file);
  expect(Buffer.compare(await exported(again.id), file)).toBe(0);
});

it('the exported files are the same to the last byte', () => {
  expect(new Set(hashes.values()).size).toBe(1);
  expect([...hashes.keys()]).toEqual(CUTS);
});
