import type { ModelConfig, Precision, Recompute } from '@millrace/core';
import {
  addLossRows,
  allParameters,
  clipCoefficient,
  countTargets,
  gradientNorm,
  type Optimizer,
  optimizerHyper,
  sequenceWords,
  stageSlices,
} from '@millrace/model';
import type { Backend, HostArray } from '@millrace/runtime';
import { InProcessStage } from './in-process-stage';

export interface TokenBatch {
  readonly inputs: Uint32Array;
  readonly targets: Uint32Array;
}

export interface InProcessTraining {
  readonly config: ModelConfig;
  /** How many, with layers spread evenly, or the layers of each. */
  readonly stages: number | readonly number[];
  /** Sequences of a micro-batch. */
  readonly microBatch: number;
  readonly microBatches: number;
  readonly steps: number;
  readonly backend: Backend;
  weights(name: string): HostArray;
  /** Tokens of a step (from 1) and micro-batch (from 0). */
  batch(step: number, microIndex: number): TokenBatch;
  learningRate(step: number): number;
  readonly optimizer: Optimizer;
  readonly packBytesMax?: number;
  /** The seed of what dropout draws; 0 by default. */
  readonly seed?: number;
  readonly recompute?: Recompute;
  readonly precision?: Precision;
  /** By what the loss is multiplied before its gradient is taken; 1 by default. */
  readonly lossScale?: number;
  /** Logits of more bytes are computed in parts. */
  readonly headBytesMax?: number;
  readonly clip?: number;
  /** Micro-batches of an evaluation with the final weights. */
  readonly validation?: readonly TokenBatch[];
  /** Reads what F of the first micro-batch left in the stages. */
  readonly afterFirstForward?: (stages: readonly InProcessStage[]) => Promise<void>;
}

export interface InProcessResult {
  readonly losses: number[];
  readonly gradientNorms: number[];
  /** Gradients of step 1 before clipping, tied ones added. */
  readonly firstGradients: Map<string, HostArray>;
  readonly weights: Map<string, HostArray>;
  /** With the final weights; NaN without validation. */
  readonly validationLoss: number;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Layers per stage, the remainder on the first ones. */
export function evenLayers(layers: number, stages: number): number[] {
  return Array.from({ length: stages }, (_, stage) => Math.floor(layers / stages) + (stage < layers % stages ? 1 : 0));
}

async function move(from: InProcessStage, to: InProcessStage, name: string): Promise<void> {
  to.write(name, await from.read(name));
}

/** F of all stages. Gives the sum of the losses on top of `sum`. */
async function forwardThrough(
  stages: readonly InProcessStage[],
  batch: TokenBatch,
  { program, sum }: { program: 'forward' | 'evaluate'; sum: number },
): Promise<number> {
  const first = stages[0] as InProcessStage;
  const last = stages.at(-1) as InProcessStage;
  if (first.programs.tokens !== undefined) first.write(first.programs.tokens.name, batch.inputs);
  if (last.programs.targets !== undefined) last.write(last.programs.targets.name, batch.targets);
  for (const [index, stage] of stages.entries()) {
    stage.run(program);
    const next = stages[index + 1];
    if (next !== undefined && stage.programs.output !== undefined) await move(stage, next, stage.programs.output.name);
  }
  return addLossRows(sum, await last.read('loss_N'));
}

function writeSequences(
  stages: readonly InProcessStage[],
  { seed = 0, microBatch: count, microBatches }: InProcessTraining,
  { step, index }: { step: number; index: number },
): void {
  const firstSample = ((step - 1) * microBatches + index) * count;
  for (const stage of stages) {
    const { sequences } = stage.programs;
    if (sequences !== undefined) stage.write(sequences.name, sequenceWords({ seed, step, firstSample, count }));
  }
}

/** F of all stages, then I and W from the last to the first. Gives the sum of the losses on top of `sum`. */
async function runMicroBatch(
  stages: readonly InProcessStage[],
  batch: TokenBatch,
  { sum, afterForward }: { sum: number; afterForward: InProcessTraining['afterFirstForward'] },
): Promise<number> {
  const total = await forwardThrough(stages, batch, { program: 'forward', sum });
  await afterForward?.(stages);
  for (const [index, stage] of [...stages.entries()].reverse()) {
    stage.run('backwardInput');
    stage.run('backwardWeight');
    const before = stages[index - 1];
    const { inputGradient } = stage.programs;
    if (before !== undefined && inputGradient !== undefined) await move(stage, before, inputGradient.name);
  }
  return total;
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
    for (const [name, square] of await stage.squares()) squares.set(name, square);
  }
  return gradientNorm(
    squares,
    allParameters(config).map(({ name }) => name),
  );
}

async function makeStages(training: InProcessTraining): Promise<InProcessStage[]> {
  const { config } = training;
  const layers = typeof training.stages === 'number' ? evenLayers(config.layers, training.stages) : training.stages;
  const stages = stageSlices(config, layers).map((slice) => new InProcessStage({ ...training, slice }));
  for (const stage of stages) {
    await stage.bind();
    for (const { name } of stage.programs.parameters) stage.write(name, training.weights(name));
    stage.run('copyWeights');
  }
  return stages;
}

/**
 * Trains over a split into stages that take turns on one backend, micro-batches in ascending order: what agents do,
 * without agents. For tests of kernels, programs and bit-exactness.
 */
export async function trainInProcess(training: InProcessTraining): Promise<InProcessResult> {
  const { config, microBatches, steps, clip, lossScale = 1 } = training;
  const stages = await makeStages(training);
  const result: Writable<InProcessResult> = {
    losses: [],
    gradientNorms: [],
    firstGradients: new Map(),
    weights: new Map(),
    validationLoss: NaN,
  };
  for (let step = 1; step <= steps; step++) {
    for (const stage of stages) stage.run('clearGradients');
    const batches = Array.from({ length: microBatches }, (_, index) => training.batch(step, index));
    const tokens = batches.reduce((count, { targets }) => count + countTargets(targets), 0);
    const head = stages.at(-1) as InProcessStage;
    head.write('loss_scale_1', Float64Array.of(lossScale / tokens));
    let sum = 0;
    for (const [index, batch] of batches.entries()) {
      writeSequences(stages, training, { step, index });
      const afterForward = step === 1 && index === 0 ? training.afterFirstForward : undefined;
      sum = await runMicroBatch(stages, batch, { sum, afterForward });
    }
    result.losses.push(sum / tokens);
    await combineTied(stages);
    if (step === 1) result.firstGradients = await readGradients(config, stages);
    const norm = (await globalNorm(config, stages)) / lossScale;
    result.gradientNorms.push(norm);
    const update = { lr: training.learningRate(step), step, gradientFactor: clipCoefficient(norm, clip) / lossScale };
    for (const stage of stages) {
      stage.write(stage.optimizer.hyper.name, optimizerHyper(training.optimizer, update));
      stage.run('update');
    }
  }
  if (training.validation !== undefined) result.validationLoss = await evaluate(stages, training.validation);
  for (const stage of stages.toReversed()) {
    for (const { name } of stage.programs.parameters) result.weights.set(name, await stage.read(name));
    stage.release();
  }
  return result;
}

/** Mean loss of all tokens of `batches`, forward only. */
async function evaluate(stages: readonly InProcessStage[], batches: readonly TokenBatch[]): Promise<number> {
  let [sum, tokens] = [0, 0];
  for (const batch of batches) {
    sum = await forwardThrough(stages, batch, { program: 'evaluate', sum });
    tokens += countTargets(batch.targets);
  }
  return sum / tokens;
}
