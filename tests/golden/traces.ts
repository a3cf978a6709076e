import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryAccess, SafetensorsFile } from '@millrace/checkpoint';
import { learningRate } from '@millrace/model';
import type { Backend, HostArray } from '@millrace/runtime';
import { type InProcessResult, type InProcessTraining, type TokenBatch, trainInProcess } from '@millrace/testing';
import { decodeTensor, type OracleTrainingSettings } from './gpt2-oracle';

/**
 * Training runs of another implementation, PyTorch in float64: docs/oracle.md. The initial weights are whole, and what
 * the run began with; of what it computed, the files hold samples.
 */
export interface Trace {
  readonly settings: OracleTrainingSettings;
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  /** Cross entropy of each position of the first micro-batch. */
  readonly firstLossRows: readonly number[];
  /** Residual streams of the first micro-batch: `hidden.0` enters the first block, `hidden.final_norm` the head. */
  readonly hidden: Readonly<Record<string, SampledTensor>>;
  /** Of step 1, before clipping. */
  readonly firstGradients: Readonly<Record<string, SampledTensor>>;
  readonly finalWeights: Readonly<Record<string, SampledTensor>>;
}

/** Every `stride`-th entry of a tensor, in f32 and base64, and two numbers of all of it. */
export interface SampledTensor {
  readonly length: number;
  readonly stride: number;
  readonly largest: number;
  readonly l2: number;
  readonly sample: string;
}

export const TRACED_FAMILIES = ['gpt2', 'llama'] as const;
export type TracedFamily = (typeof TRACED_FAMILIES)[number];

const FOLDER = join(__dirname, 'traces');

export function readTrace(family: TracedFamily): Trace {
  return JSON.parse(readFileSync(join(FOLDER, `${family}-trace.json`), 'utf8')) as Trace;
}

/** The initial weights as a file of Hugging Face's names. */
export function traceModel(family: TracedFamily): Buffer {
  return readFileSync(join(FOLDER, `${family}-init.safetensors`));
}

/** Tokens of all steps, one after the other, and the last target. */
export function traceTokens(): Uint16Array {
  const bytes = readFileSync(join(FOLDER, 'tokens.bin'));
  return Uint16Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16LE(2 * index));
}

/** Tokens of a step (from 1) and micro-batch (from 0): sequences follow each other and share a border token. */
export function traceBatch({ settings }: Trace, tokens: Uint16Array, [step, index]: [number, number]): TokenBatch {
  const { model, microBatch, microBatches } = settings;
  const count = microBatch * model.context;
  const start = ((step - 1) * microBatches + index) * count;
  return {
    inputs: Uint32Array.from(tokens.subarray(start, start + count)),
    targets: Uint32Array.from(tokens.subarray(start + 1, start + count + 1)),
  };
}

export type TraceRun = Pick<InProcessTraining, 'stages' | 'steps' | 'afterFirstForward'>;

/** Runs the traced training, or its first steps, on `backend`. */
export async function trainTrace(backend: Backend, family: TracedFamily, run: TraceRun): Promise<InProcessResult> {
  const trace = readTrace(family);
  const { settings } = trace;
  const file = await SafetensorsFile.open(memoryAccess(traceModel(family)));
  const weights = new Map<string, HostArray>();
  for (const name of Object.keys(trace.firstGradients)) weights.set(name, await file.readFloat32(name));
  const tokens = traceTokens();
  return trainInProcess({
    ...settings,
    ...run,
    config: settings.model,
    backend,
    weights: (name) => weights.get(name) as HostArray,
    batch: (step, index) => traceBatch(trace, tokens, [step, index]),
    optimizer: { type: 'adamw', betas: settings.betas, eps: settings.eps, weightDecay: settings.weightDecay },
    learningRate: (step) => learningRate(settings.lr, step),
  });
}

export interface TraceDifference {
  readonly absolute: number;
  /** As a part of the tensor's largest entry. */
  readonly relative: number;
  /** Of the whole tensor's Euclidean norm, relative. */
  readonly l2: number;
}

/** Infinite where an entry or a length is another; entries that `skip` names are left out of all but the norm. */
export function differenceFromTrace(
  actual: HostArray | undefined,
  { length, stride, largest, l2, sample }: SampledTensor,
  skip: (index: number) => boolean = () => false,
): TraceDifference {
  if (actual?.length !== length) return { absolute: Infinity, relative: Infinity, l2: Infinity };
  let absolute = 0;
  decodeTensor(sample).forEach((value, index) => {
    if (skip(index * stride)) return;
    const apart = Math.abs((actual[index * stride] ?? NaN) - value);
    absolute = Math.max(absolute, Number.isNaN(apart) ? Infinity : apart);
  });
  let squares = 0;
  for (const value of actual) squares += value * value;
  return { absolute, relative: absolute / largest, l2: Math.abs(Math.sqrt(squares) / l2 - 1) };
}
