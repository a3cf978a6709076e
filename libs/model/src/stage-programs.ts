import type { ModelConfig, StageSlice } from '@millrace/core';
import type { Program, TensorDeclaration, TensorRole } from '@millrace/kernels';
import { checkModelConfig } from './check-model-config';
import { modelShapeError } from './model.errors';
import type { ParameterDeclaration } from './parameters';
import { halfPrograms } from './precision/half-programs';
import { crossingName } from './stage/crossing';
import { SEQUENCES } from './stage/dropout';
import { headForward, headTensors, LOGITS, logitsOf, LOSS, LOSS_SCALE, SCRATCH_HEAD, TARGETS } from './head/head';
import { openStageContext } from './stage/open-stage-context';
import { passingSteps } from './stage/passing-steps';
import { residualGradientName, residualName, type StageContext, type StageProgramOptions } from './stage/stage-context';
import { TOKENS } from './stage/tokens';
import { trainingSteps } from './stage/training-steps';
import { tensorsOf } from './tensor-catalog';

/**
 * The tensors of a stage that others fill or read. Those that the stage does not have (tokens, loss, …) are undefined.
 */
export interface BoundaryTensors {
  /** Activations from the stage before, or the tokens. */
  readonly input: TensorDeclaration;
  readonly output?: TensorDeclaration;
  /** Gradient of `input`, for the stage before. */
  readonly inputGradient?: TensorDeclaration;
  /** Gradient of `output`, from the stage after. */
  readonly outputGradient?: TensorDeclaration;
  readonly tokens?: TensorDeclaration;
  readonly targets?: TensorDeclaration;
  /** Loss of each row. */
  readonly loss?: TensorDeclaration;
  /** One element: 1 / tokens of the step. */
  readonly lossScale?: TensorDeclaration;
  /** The words of `sequenceWords`, for a stage that drops elements in training. */
  readonly sequences?: TensorDeclaration;
}

export type { StageProgramOptions } from './stage/stage-context';

/** The programs of one stage for micro-batches of one size. */
export interface StagePrograms extends BoundaryTensors {
  /** Whether I adds to the gradients too. */
  readonly isFused: boolean;
  /** What the stage trains; a tied head without the embedding has the token embedding too. */
  readonly parameters: readonly ParameterDeclaration[];
  /** F. */
  readonly forward: Program;
  /**
   * I computes the gradient of the input, and what W needs (role `deferred`), after what the recompute setting asks
   * for.
   */
  readonly backwardInput: Program;
  /** W adds to the `.grad` tensors; so does I if the backward is fused. */
  readonly backwardWeight: Program;
  /** Sets the `.grad` tensors to zero; it runs once in a step, before the first program that adds to them. */
  readonly clearGradients: Program;
  /** What a micro-batch owns from its F to the end of its W: what enters, leaves and is kept. */
  readonly kept: readonly TensorDeclaration[];
  /**
   * What a micro-batch owns from its I to the end of its W: the gradients that cross the ends, and all that I leaves
   * for W.
   */
  readonly deferred: readonly TensorDeclaration[];
  /** F without keeping anything. */
  readonly evaluate: Program;
  /** Head stages: from the input to `output.logits_NV`, for generation. Other stages generate with `evaluate`. */
  readonly logits?: Program;
  /** The tensors of all these programs except `logits`. */
  tensors(role?: TensorRole): TensorDeclaration[];
  /** The tensors of all these programs except `logits` and `evaluate`: all that a run without validation needs. */
  trainingTensors(role?: TensorRole): TensorDeclaration[];
}

function evaluateProgram(context: StageContext): Program {
  const { steps, last } = passingSteps(context);
  if (context.slice.head) steps.push(...headForward(context, headTensors(context, SCRATCH_HEAD), last));
  return context.catalog.program('evaluate', steps);
}

function logitsProgram(context: StageContext): Program {
  const { N, V } = context.sizes;
  const { steps, last } = passingSteps(context);
  const logits_NV = context.catalog.declare(LOGITS, [N, V], 'output');
  const { norm } = headTensors(context, SCRATCH_HEAD);
  steps.push(norm.forward(last), logitsOf(context, norm, logits_NV));
  return context.catalog.program('logits', steps);
}

/** A head has logits. */
type ComputingPrograms = [
  forward: Program,
  backwardInput: Program,
  backwardWeight: Program,
  evaluate: Program,
  logits?: Program,
];

/** What a stage computes, in the precision of its context. */
function programsOf(context: StageContext): ComputingPrograms {
  const { catalog, precision, slice } = context;
  const steps = trainingSteps(context);
  const programs = [
    catalog.program('forward', steps.forward),
    catalog.program('backward-input', steps.backwardInput),
    catalog.program('backward-weight', steps.backwardWeight),
    evaluateProgram(context),
    ...(slice.head ? [logitsProgram(context)] : []),
  ];
  return (precision === 'f16' ? halfPrograms(programs, [LOGITS]) : programs) as ComputingPrograms;
}

const PER_MICRO_BATCH: ReadonlySet<TensorRole> = new Set(['input', 'output', 'saved', 'deferred']);

function perMicroBatch(forward: Program, backward: readonly Program[]): Pick<StagePrograms, 'kept' | 'deferred'> {
  const kept = forward.tensors.filter(({ role }) => PER_MICRO_BATCH.has(role));
  const names = new Set(kept.map(({ name }) => name));
  const later = tensorsOf(backward).filter(({ name, role }) => PER_MICRO_BATCH.has(role) && !names.has(name));
  return { kept, deferred: later };
}

function clearProgram(context: StageContext, backward: readonly Program[]): Program {
  const gradients = tensorsOf(backward, 'gradient');
  return context.catalog.program(
    'clear-gradients',
    gradients.map(({ name }) => ({ clear: name })),
  );
}

/** The tensors that cross the stage's ends, by their purpose, as the programs declare them. */
function boundaryTensors(context: StageContext, programs: readonly Program[]): BoundaryTensors {
  const { slice } = context;
  const declarations = new Map(tensorsOf(programs).map((declaration) => [declaration.name, declaration]));
  const get = (name: string): TensorDeclaration => declarations.get(name)!;
  const crossing = (name: string): TensorDeclaration => get(crossingName(context, name));
  const { firstLayer } = slice;
  const end = firstLayer + slice.layerCount;
  const sequences = declarations.get(SEQUENCES);
  return {
    input: slice.embedding ? get(TOKENS) : crossing(residualName(firstLayer)),
    ...(slice.embedding ? { tokens: get(TOKENS) } : { inputGradient: crossing(residualGradientName(firstLayer)) }),
    ...(slice.head
      ? { targets: get(TARGETS), loss: get(LOSS), lossScale: get(LOSS_SCALE) }
      : { output: crossing(residualName(end)), outputGradient: crossing(residualGradientName(end)) }),
    ...(sequences === undefined ? {} : { sequences }),
  };
}

function checkSlice(config: ModelConfig, slice: StageSlice, microBatch: number): void {
  checkModelConfig(config);
  const { firstLayer, layerCount, embedding, head } = slice;
  const end = firstLayer + layerCount;
  if (!Number.isSafeInteger(microBatch) || microBatch < 1) {
    throw modelShapeError(`micro-batch is ${microBatch}`, 'give at least 1');
  }
  if (firstLayer < 0 || layerCount < 0 || end > config.layers) {
    const layers = `a stage of layers ${firstLayer} to ${end - 1}`;
    throw modelShapeError(layers, `the model has layers 0 to ${config.layers - 1}`);
  }
  if (layerCount === 0 && !embedding && !head) {
    throw modelShapeError('a stage without layers', 'give it a layer, the embedding or the head');
  }
  if (embedding && firstLayer !== 0) {
    throw modelShapeError(`the embedding before layer ${firstLayer}`, 'it comes before layer 0');
  }
}

/** Builds the programs of `slice`. Throws MODEL.SHAPE if the sizes do not fit. */
export function buildStagePrograms(
  config: ModelConfig,
  slice: StageSlice,
  options: StageProgramOptions,
): StagePrograms {
  checkSlice(config, slice, options.microBatch);
  const context = openStageContext(config, slice, options);
  const [forward, backwardInput, backwardWeight, evaluate, logits] = programsOf(context);
  const clearGradients = clearProgram(context, [backwardInput, backwardWeight]);
  const training = [forward, backwardInput, backwardWeight, clearGradients];
  return {
    isFused: context.fused,
    parameters: context.parameters,
    forward,
    backwardInput,
    backwardWeight,
    clearGradients,
    evaluate,
    ...perMicroBatch(forward, [backwardInput, backwardWeight]),
    ...(logits === undefined ? {} : { logits }),
    ...boundaryTensors(context, training),
    tensors: (role) => tensorsOf([...training, evaluate], role),
    trainingTensors: (role) => tensorsOf(training, role),
  };
}
