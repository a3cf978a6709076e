import type { ModelConfig } from '@millrace/core';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  allParameters,
  initialiseParameter,
  learningRate,
  type LearningRateSchedule,
  type ParameterDeclaration,
} from '@millrace/model';
import type { Backend, HostArray } from '@millrace/runtime';
import { type InProcessResult, textBatch, trainInProcess } from '@millrace/testing';

export interface OracleTrainingSettings {
  readonly model: ModelConfig;
  readonly microBatch: number;
  readonly microBatches: number;
  readonly steps: number;
  readonly lr: LearningRateSchedule;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly clip: number;
}

/** Sizes that are multiples of nothing; the clip lies between the smallest and the largest norm of the run. */
export interface OracleSettings extends OracleTrainingSettings {
  readonly seed: number;
}

/**
 * A training run in doubles. Weights: initialiseParameter(parameter, seed); tokens: textBatch of libs/testing.
 * Tensors are little-endian f32 in base64, by Hugging Face name.
 */
export interface Oracle {
  readonly settings: OracleSettings;
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  /** Of step 1, before clipping. */
  readonly firstGradients: Readonly<Record<string, string>>;
  readonly finalWeights: Readonly<Record<string, string>>;
}

const FILE = 'gpt2-oracle.json';

export const ORACLE_SETTINGS: OracleSettings = {
  model: { family: 'gpt2', layers: 4, heads: 3, hidden: 30, ffn: 70, context: 11, vocab: 37, tieEmbeddings: true },
  microBatch: 3,
  microBatches: 2,
  steps: 20,
  seed: 7,
  lr: { schedule: 'cosine', peak: 3e-3, warmup: 4, min: 3e-4, steps: 20 },
  betas: [0.9, 0.95],
  eps: 1e-8,
  weightDecay: 0.1,
  clip: 1.8,
};

export interface OracleRun {
  readonly steps: number;
  readonly stages: number;
  readonly settings?: OracleSettings;
}

/** Runs the oracle's training, or its first `steps`, on `backend`. */
export function trainOracle(
  backend: Backend,
  { steps, stages, settings = ORACLE_SETTINGS }: OracleRun,
): Promise<InProcessResult> {
  const { model, microBatch, microBatches, seed, lr, betas, eps, weightDecay } = settings;
  const adamw = { betas, eps, weightDecay };
  const text = { vocab: model.vocab, context: model.context, microBatch, microBatches };
  const parameters = new Map(allParameters(model).map((parameter) => [parameter.name, parameter]));
  return trainInProcess({
    ...settings,
    config: model, backend, steps, stages,
    weights: (name) => initialiseParameter(parameters.get(name) as ParameterDeclaration, seed),
    batch: (step, index) => textBatch(text, step, index),
    optimizer: { type: 'adamw', ...adamw },
    learningRate: (step) => learningRate(lr, step),
  });
}

function encode(tensors: ReadonlyMap<string, HostArray>): Record<string, string> {
  return Object.fromEntries([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, values]) => {
    return [name, Buffer.from(Float32Array.from(values).buffer).toString('base64')];
  }));
}

export function decodeTensor(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/**
 * Whether an entry belongs to GPT-2's key biases: their gradient is zero in exact arithmetic, so in f32 it is noise
 * that Adam divides by itself.
 */
export function isKeyBias({ hidden }: Pick<ModelConfig, 'hidden'>, name: string, index: number): boolean {
  return name.endsWith('c_attn.bias') && index >= hidden && index < 2 * hidden;
}

/** The largest relative difference of two lists of numbers, which is NaN if a value is missing. */
export function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((value, index) => Math.abs((actual[index] ?? NaN) / value - 1)));
}

export function readOracle(file = FILE): Oracle {
  return JSON.parse(readFileSync(join(__dirname, file), 'utf8')) as Oracle;
}

export function writeOracle(
  { losses, gradientNorms, firstGradients, weights }: InProcessResult,
  { settings, file } = { settings: ORACLE_SETTINGS, file: FILE },
): void {
  const oracle: Oracle = {
    settings, losses, gradientNorms,
    firstGradients: encode(firstGradients), finalWeights: encode(weights),
  };
  writeFileSync(join(__dirname, file), `${JSON.stringify(oracle, null, 1)}\n`);
}
