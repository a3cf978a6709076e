import {
  addLossRows,
  adamwHyper,
  allParameters,
  clipCoefficient,
  gradientNorm,
  type ModelConfig,
  stageSlices,
  sumPartials,
} from '@millrace/model';
import type { Backend, HostArray } from '@millrace/runtime';
import { InProcessStage } from './in-process-stage';

export interface TokenBatch {
  readonly inputs: Uint32Array;
  readonly targets: Uint32Array;
}

export interface InProcessTraining {
  readonly config: ModelConfig;
  readonly stages: number;
  /** Sequences of a micro-batch. */
  readonly microBatch: number;
  readonly microBatches: number;
  readonly steps: number;
  readonly backend: Backend;
  weights(name: string): HostArray;
  /** Tokens of a step (from 1) and micro-batch (from 0). */
  batch(step: number, microIndex: number): TokenBatch;
  learningRate(step: number): number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly clip?: number;
}

export interface InProcessResult {
  readonly losses: number[];
  readonly gradientNorms: number[];
  /** Gradients of step 1 before clipping, tied ones added. */
  readonly firstGradients: Map<string, HostArray>;
  readonly weights: Map<string, HostArray>;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Layers per stage, the remainder on the first ones. */
export function evenLayers(layers: number, stages: number): number[] {
  return Array.from({ length: stages }, (_, stage) => Math.floor(layers / stages) + (stage < layers % stages ? 1 : 0));
}

async function move(from: InProcessStage, to: InProcessStage, name: string): Promise<void> {
  to.write(name, await from.read(name));
}

/** F of all stages, then I and W from the last to the first. Gives the sum of the losses on top of `sum`. */
async function runMicroBatch(stages: readonly InProcessStage[], batch: TokenBatch, sum: number): Promise<number> {
  const first = stages[0] as InProcessStage;
  const last = stages.at(-1) as InProcessStage;
  if (first.programs.tokens !== undefined) first.write(first.programs.tokens.name, batch.inputs);
  if (last.programs.targets !== undefined) last.write(last.programs.targets.name, batch.targets);
  for (const [index, stage] of stages.entries()) {
    stage.run('forward');
    const next = stages[index + 1];
    if (next !== undefined && stage.programs.output !== undefined) await move(stage, next, stage.programs.output.name);
  }
  for (const [index, stage] of [...stages.entries()].reverse()) {
    stage.run('backwardInput');
    stage.run('backwardWeight');
    const before = stages[index - 1];
    const { inputGradient } = stage.programs;
    if (before !== undefined && inputGradient !== undefined) await move(stage, before, inputGradient.name);
  }
  return addLossRows(sum, await last.read('loss_N'));
}

/** The stages at both ends of a tied model give each other their part and add in the same order. */
async function combineTied(stages: readonly InProcessStage[]): Promise<void> {
  const first = stages[0] as InProcessStage;
  const last = stages.at(-1) as InProcessStage;
  const { tied } = first.optimizer;
  if (tied === undefined) return;
  if (first !== last) {
    await move(first, last, tied.embedding.name);
    await move(last, first, tied.head.name);
    last.run('combine');
  }
  first.run('combine');
}

async function readGradients(config: ModelConfig, stages: readonly InProcessStage[]): Promise<Map<string, HostArray>> {
  const gradients = new Map<string, HostArray>();
  for (const { name } of allParameters(config)) {
    const owner = stages.find((stage) => stage.has(name)) as InProcessStage;
    const total = `${name}.grad_total`;
    gradients.set(name, await owner.read(owner.has(total) ? total : `${name}.grad`));
  }
  return gradients;
}

async function globalNorm(config: ModelConfig, stages: readonly InProcessStage[]): Promise<number> {
  const squares = new Map<string, number>();
  for (const stage of stages) {
    stage.run('squares');
    for (const [name, partials] of await stage.partials()) squares.set(name, sumPartials(partials));
  }
  return gradientNorm(
    squares,
    allParameters(config).map(({ name }) => name),
  );
}

async function makeStages(training: InProcessTraining): Promise<InProcessStage[]> {
  const { config, microBatch, microBatches, backend } = training;
  const slices = stageSlices(config, evenLayers(config.layers, training.stages));
  const stages = slices.map((slice) => new InProcessStage({ config, slice, microBatch, backend }));
  for (const stage of stages) {
    await stage.bind();
    for (const { name } of stage.programs.parameters) stage.write(name, training.weights(name));
    const scale = Float64Array.of(1 / (microBatches * microBatch * config.context));
    if (stage.programs.lossScale !== undefined) stage.write(stage.programs.lossScale.name, scale);
  }
  return stages;
}

/**
 * Trains over a split into stages that take turns on one backend, micro-batches in ascending order: what agents do,
 * without agents. For tests of kernels, programs and bit-exactness.
 */
export async function trainInProcess(training: InProcessTraining): Promise<InProcessResult> {
  const { config, microBatch, microBatches, steps, clip } = training;
  const stages = await makeStages(training);
  const result: Writable<InProcessResult> = {
    losses: [],
    gradientNorms: [],
    firstGradients: new Map(),
    weights: new Map(),
  };
  for (let step = 1; step <= steps; step++) {
    for (const stage of stages) stage.run('clearGradients');
    let sum = 0;
    for (let index = 0; index < microBatches; index++) {
      sum = await runMicroBatch(stages, training.batch(step, index), sum);
    }
    result.losses.push(sum / (microBatches * microBatch * config.context));
    await combineTied(stages);
    if (step === 1) result.firstGradients = await readGradients(config, stages);
    const norm = await globalNorm(config, stages);
    result.gradientNorms.push(norm);
    const hyper = adamwHyper({ ...training, lr: training.learningRate(step) }, step, clipCoefficient(norm, clip));
    for (const stage of stages) {
      stage.write(stage.optimizer.hyper.name, hyper);
      stage.run('update');
    }
  }
  for (const stage of stages.toReversed()) {
    for (const { name } of stage.programs.parameters) result.weights.set(name, await stage.read(name));
    stage.release();
  }
  return result;
}
