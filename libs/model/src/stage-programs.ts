import type { Program, ProgramStep, TensorDeclaration, TensorRole } from '@millrace/kernels';
import { checkModelConfig, type ModelConfig, type StageSlice } from './model-config';
import { modelShapeError } from './model.errors';
import type { ParameterDeclaration } from './parameters';
import { type BlockBackward, blockBackwardInput, blockBackwardWeight, blockForward, blockTensors } from './gpt2/block';
import { embeddingBackwardWeight, embeddingForward, TOKENS } from './gpt2/embedding';
import {
  headBackwardInput,
  headBackwardWeight,
  headForward,
  headTensors,
  LOGITS,
  logitsForward,
  LOSS,
  LOSS_SCALE,
  TARGETS,
} from './gpt2/head';
import { residualGradientName, residualName, type StageContext, stageContext } from './gpt2/stage-context';
import { tensorsOf } from './tensor-catalog';

/** The tensors of a stage that others fill or read. What a stage has not (tokens, loss, …) is undefined. */
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
}

/** The programs of one stage for micro-batches of one size. */
export interface StagePrograms extends BoundaryTensors {
  /** What the stage trains; a tied head without the embedding holds `transformer.wte.weight` too. */
  readonly parameters: readonly ParameterDeclaration[];
  /** F. */
  readonly forward: Program;
  /** I: gradient of the input, and what W needs (role `deferred`). */
  readonly backwardInput: Program;
  /** W: adds to the `.grad` tensors. */
  readonly backwardWeight: Program;
  /** Sets the `.grad` tensors that W adds to to zero; run once before the first W of a step. */
  readonly clearGradients: Program;
  /** F that keeps nothing. */
  readonly evaluate: Program;
  /** Head stages: from the input to `output.logits_NV`, for generation. Other stages generate with `evaluate`. */
  readonly logits?: Program;
  /** Tensors of all these programs but `logits`. */
  tensors(role?: TensorRole): TensorDeclaration[];
}

/** Declares the residual stream at both ends of each block: sent, received or kept. */
function declareResiduals({ config, slice, catalog, sizes }: StageContext): void {
  const end = slice.firstLayer + slice.layerCount;
  for (let layer = slice.firstLayer; layer <= end; layer++) {
    const received = layer === slice.firstLayer && !slice.embedding;
    const sent = layer === end && !slice.head;
    catalog.declare(residualName(layer), [sizes.N, sizes.C], received ? 'input' : sent ? 'output' : 'saved');
    catalog.declare(residualGradientName(layer), [sizes.N, sizes.C], sent ? 'input' : received ? 'output' : 'deferred');
  }
  if (slice.head && end !== config.layers) {
    throw modelShapeError(`the head stage ends before layer ${end}`, `end it at layer ${config.layers}`);
  }
}

/** The blocks of a slice in ascending order with all that their backward needs. */
function sliceBlocks(context: StageContext): BlockBackward[] {
  const { firstLayer, layerCount } = context.slice;
  return Array.from({ length: layerCount }, (_, index) => {
    const layer = firstLayer + index;
    return {
      layer,
      tensors: blockTensors(context, `h.${layer}`, 'saved'),
      x_NC: residualName(layer),
      dy_NC: residualGradientName(layer + 1),
      dx_NC: residualGradientName(layer),
    };
  });
}

interface TrainingSteps {
  readonly forward: ProgramStep[];
  readonly backwardInput: ProgramStep[];
  readonly backwardWeight: ProgramStep[];
}

function trainingSteps(context: StageContext): TrainingSteps {
  const { slice } = context;
  const end = slice.firstLayer + slice.layerCount;
  const first = residualName(slice.firstLayer);
  const last = residualName(end);
  const forward: ProgramStep[] = slice.embedding ? [embeddingForward(context, first)] : [];
  const backwardInput: ProgramStep[] = [];
  const backwardWeight: ProgramStep[] = [];
  const blocks = sliceBlocks(context);
  for (const { layer, tensors, x_NC } of blocks) {
    forward.push(...blockForward(context, { layer, tensors, x_NC, y_NC: residualName(layer + 1) }));
  }
  if (slice.head) {
    const head = headTensors(context, 'head', 'saved');
    forward.push(...headForward(context, head, last));
    backwardInput.push(...headBackwardInput(context, head, { x_NC: last, dx_NC: residualGradientName(end) }));
    backwardWeight.push(...headBackwardWeight(context, head, last));
  }
  for (const block of blocks.toReversed()) {
    backwardInput.push(...blockBackwardInput(context, block));
    backwardWeight.push(...blockBackwardWeight(context, block));
  }
  const dFirst = residualGradientName(slice.firstLayer);
  if (slice.embedding) backwardWeight.push(...embeddingBackwardWeight(context, dFirst));
  return { forward, backwardInput, backwardWeight };
}

/**
 * Forward steps that keep nothing: every block writes the same scratch tensors, and the residual stream alternates
 * between two. Gives the name of the last residual stream too.
 */
function passingSteps(context: StageContext): { steps: ProgramStep[]; last: string } {
  const { slice, catalog, sizes } = context;
  const end = slice.firstLayer + slice.layerCount;
  const residual = (layer: number): string => {
    if (layer === slice.firstLayer && !slice.embedding) return residualName(layer);
    if (layer === end && !slice.head) return residualName(layer);
    return catalog.declare(`scratch.residual_${layer % 2}_NC`, [sizes.N, sizes.C], 'scratch');
  };
  const steps: ProgramStep[] = slice.embedding ? [embeddingForward(context, residual(slice.firstLayer))] : [];
  if (slice.layerCount > 0) {
    const tensors = blockTensors(context, 'scratch', 'scratch');
    for (let layer = slice.firstLayer; layer < end; layer++) {
      steps.push(...blockForward(context, { layer, tensors, x_NC: residual(layer), y_NC: residual(layer + 1) }));
    }
  }
  return { steps, last: residual(end) };
}

function evaluateProgram(context: StageContext): Program {
  const { steps, last } = passingSteps(context);
  if (context.slice.head) steps.push(...headForward(context, headTensors(context, 'scratch', 'scratch'), last));
  return context.catalog.program('evaluate', steps);
}

function logitsProgram(context: StageContext): Program {
  const { N, V } = context.sizes;
  const { steps, last } = passingSteps(context);
  const logits_NV = context.catalog.declare(LOGITS, [N, V], 'output');
  steps.push(...logitsForward(context, { ...headTensors(context, 'scratch', 'scratch'), logits_NV }, last));
  return context.catalog.program('logits', steps);
}

function clearProgram(context: StageContext, backwardWeight: Program): Program {
  const gradients = backwardWeight.tensors.filter(({ role }) => role === 'gradient');
  return context.catalog.program(
    'clear-gradients',
    gradients.map(({ name }) => ({ clear: name })),
  );
}

/** The tensors that cross the stage's ends, by what they are for. */
function boundaryTensors({ slice, catalog }: StageContext): BoundaryTensors {
  const { firstLayer } = slice;
  const end = firstLayer + slice.layerCount;
  return {
    input: catalog.get(slice.embedding ? TOKENS : residualName(firstLayer)),
    ...(slice.embedding
      ? { tokens: catalog.get(TOKENS) }
      : { inputGradient: catalog.get(residualGradientName(firstLayer)) }),
    ...(slice.head
      ? { targets: catalog.get(TARGETS), loss: catalog.get(LOSS), lossScale: catalog.get(LOSS_SCALE) }
      : { output: catalog.get(residualName(end)), outputGradient: catalog.get(residualGradientName(end)) }),
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

/** The programs of `slice` for micro-batches of `microBatch` sequences. MODEL.SHAPE if the sizes do not fit. */
export function buildStagePrograms(config: ModelConfig, slice: StageSlice, microBatch: number): StagePrograms {
  checkSlice(config, slice, microBatch);
  const context = stageContext(config, slice, microBatch);
  declareResiduals(context);
  const steps = trainingSteps(context);
  const forward = context.catalog.program('forward', steps.forward);
  const backwardInput = context.catalog.program('backward-input', steps.backwardInput);
  const backwardWeight = context.catalog.program('backward-weight', steps.backwardWeight);
  const clearGradients = clearProgram(context, backwardWeight);
  const evaluate = evaluateProgram(context);
  const programs = [forward, backwardInput, backwardWeight, clearGradients, evaluate];
  return {
    parameters: context.parameters,
    forward,
    backwardInput,
    backwardWeight,
    clearGradients,
    evaluate,
    ...(slice.head ? { logits: logitsProgram(context) } : {}),
    ...boundaryTensors(context),
    tensors: (role) => tensorsOf(programs, role),
  };
}
