import type { Recompute } from '@millrace/core';
import type { ProgramStep } from '@millrace/kernels';
import { familyOf } from '../families/families';
import { modelShapeError } from '../model.errors';
import type { BlockSteps, BlockGradients } from './block';
import { arriving, type Crossing, leaving, type OwnForm } from './crossing';
import { embeddingGradientSteps, embeddingSteps } from './embedding';
import {
  DROPPED_HEAD,
  headBackwardInput,
  headBackwardWeight,
  headForward,
  headRecompute,
  headTensors,
  KEPT_HEAD,
  RECOMPUTED_HEAD,
} from '../head/head';
import { type BlockPlaces, keptBlock, recomputedBlock, SCRATCH_BLOCK } from './place';
import { passingResidualName, residualGradientName, residualName, type StageContext } from './stage-context';

/** What crosses the ends of a stage in training; undefined where the model itself ends. */
interface StageEnds {
  readonly input: Crossing | undefined;
  readonly inputGradient: Crossing | undefined;
  readonly output: Crossing | undefined;
  readonly outputGradient: Crossing | undefined;
}

/** The names of the residual stream and of its gradient at the input of a block or of the final norm. */
interface Residuals {
  stream(layer: number): string;
  gradient(layer: number): string;
}

function stageEnds(context: StageContext): StageEnds {
  const { config, slice } = context;
  const { firstLayer, embedding, head } = slice;
  const end = firstLayer + slice.layerCount;
  if (head && end !== config.layers) {
    throw modelShapeError(`the head stage ends before layer ${end}`, `end it at layer ${config.layers}`);
  }
  const [input, inputGradient] = [residualName(firstLayer), residualGradientName(firstLayer)];
  const [output, outputGradient] = [residualName(end), residualGradientName(end)];
  const passing = (name: string): OwnForm => ({ name, role: 'scratch' });
  return {
    input: embedding ? undefined : arriving(context, input, { name: input, role: 'saved' }),
    inputGradient: embedding ? undefined : leaving(context, inputGradient, passing('scratch.residual.grad_NC')),
    output: head ? undefined : leaving(context, output, passing(passingResidualName(end))),
    outputGradient: head ? undefined : arriving(context, outputGradient, { name: outputGradient, role: 'deferred' }),
  };
}

/** Declares the residual stream at both ends of each block, where it is sent, received or kept. */
function declareResiduals(context: StageContext, ends: StageEnds): Residuals {
  const { slice, catalog, sizes } = context;
  const { firstLayer } = slice;
  const end = firstLayer + slice.layerCount;
  const at = (layer: number, entry: Crossing | undefined, exit: Crossing | undefined): string | undefined =>
    (layer === firstLayer ? entry?.own : undefined) ?? (layer === end ? exit?.own : undefined);
  const shape = [sizes.N, sizes.C];
  return {
    stream: (layer) => at(layer, ends.input, ends.output) ?? catalog.declare(residualName(layer), shape, 'saved'),
    gradient: (layer) =>
      at(layer, ends.inputGradient, ends.outputGradient) ??
      catalog.declare(innerGradientName(context, layer), shape, 'deferred'),
  };
}

/**
 * The gradient of a block's input. In a fused backward none is needed once the block before has its own: those within
 * the stage take turns in two tensors.
 */
function innerGradientName({ fused }: StageContext, layer: number): string {
  return fused ? `residual.grad_${layer % 2}_NC` : residualGradientName(layer);
}

/** Where the tensors of a forward are, by what I computes again. */
function forwardBlock(recompute: Recompute, label: string): BlockPlaces {
  if (recompute === 'full') return SCRATCH_BLOCK;
  const kept = keptBlock(label);
  return recompute === 'none' ? kept : { ...kept, derived: SCRATCH_BLOCK.derived };
}

interface StageBlock extends BlockGradients {
  /** Residual stream after the block. */
  readonly y_NC: string;
  /** The block's steps on the tensors that F writes. */
  readonly written: BlockSteps;
  /** The block's steps on the tensors that I and W read. */
  readonly read: BlockSteps;
}

/** The blocks of a slice in ascending order, with everything that their backward needs. */
function sliceBlocks(context: StageContext, { stream, gradient }: Residuals): StageBlock[] {
  const { recompute, fused } = context;
  const { firstLayer, layerCount } = context.slice;
  const { block } = familyOf(context.config).programs;
  // One block's backward is over when the next one begins, if it is fused.
  const again = (layer: number): BlockPlaces => recomputedBlock(fused ? 'block' : `h.${layer}`);
  return Array.from({ length: layerCount }, (_, index) => {
    const layer = firstLayer + index;
    const places = forwardBlock(recompute, `h.${layer}`);
    const x_NC = stream(layer);
    const written = block(context, { layer, places, x_NC });
    return {
      y_NC: stream(layer + 1),
      written,
      read: recompute === 'full' ? block(context, { layer, places: again(layer), x_NC }) : written,
      dy_NC: gradient(layer + 1),
      dx_NC: gradient(layer),
    };
  });
}

export interface TrainingSteps {
  readonly forward: ProgramStep[];
  readonly backwardInput: ProgramStep[];
  readonly backwardWeight: ProgramStep[];
}

function addHead(
  context: StageContext,
  { stream, gradient }: Residuals,
  { forward, backwardInput, backwardWeight }: TrainingSteps,
): void {
  const full = context.recompute === 'full';
  const end = context.slice.firstLayer + context.slice.layerCount;
  const last = stream(end);
  const head = headTensors(context, full ? RECOMPUTED_HEAD : KEPT_HEAD);
  forward.push(...headForward(context, full ? headTensors(context, DROPPED_HEAD) : head, last));
  if (full) backwardInput.push(...headRecompute(context, head, last));
  backwardInput.push(...headBackwardInput(context, head, { x_NC: last, dx_NC: gradient(end) }));
  const weights = context.fused && context.slice.layerCount > 0 ? backwardInput : backwardWeight;
  weights.push(...headBackwardWeight(context, head, last));
}

/**
 * A block's tensors are computed again just before they are needed, so that scratch holds those of one at a time. In a
 * fused backward each block's W follows its I, but for that of the last one to come: the gradient leaves before it.
 */
export function trainingSteps(context: StageContext): TrainingSteps {
  const { slice, recompute } = context;
  const ends = stageEnds(context);
  const residuals = declareResiduals(context, ends);
  const { firstLayer, embedding, head } = slice;
  const forward = embedding ? embeddingSteps(context, residuals.stream(firstLayer)) : [...(ends.input?.steps ?? [])];
  const backwardInput: ProgramStep[] = [...(ends.outputGradient?.steps ?? [])];
  const backwardWeight: ProgramStep[] = [];
  const blocks = sliceBlocks(context, residuals);
  for (const { written, y_NC } of blocks) forward.push(...written.forward(y_NC));
  forward.push(...(ends.output?.steps ?? []));
  if (head) addHead(context, residuals, { forward, backwardInput, backwardWeight });
  for (const block of blocks.toReversed()) {
    if (recompute === 'full') backwardInput.push(...block.read.recompute());
    backwardInput.push(...block.read.backwardInput(block));
    const weights = context.fused && block !== blocks[0] ? backwardInput : backwardWeight;
    if (recompute === 'selective') weights.push(...block.read.recomputeDerived());
    weights.push(...block.read.backwardWeight(block));
  }
  backwardInput.push(...(ends.inputGradient?.steps ?? []));
  if (embedding) backwardWeight.push(...embeddingGradientSteps(context, residuals.gradient(firstLayer)));
  return { forward, backwardInput, backwardWeight };
}
