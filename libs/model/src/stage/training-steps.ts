import type { Recompute } from '@millrace/core';
import type { ProgramStep } from '@millrace/kernels';
import { familyOf } from '../families/families';
import { modelShapeError } from '../model.errors';
import type { BlockSteps, BlockGradients } from './block';
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
import { residualGradientName, residualName, type StageContext } from './stage-context';

/** Declares the residual stream at both ends of each block, where it is sent, received or kept. */
function declareResiduals(context: StageContext): void {
  const { config, slice, catalog, sizes } = context;
  const end = slice.firstLayer + slice.layerCount;
  for (let layer = slice.firstLayer; layer <= end; layer++) {
    const received = layer === slice.firstLayer && !slice.embedding;
    const sent = layer === end && !slice.head;
    catalog.declare(residualName(layer), [sizes.N, sizes.C], received ? 'input' : sent ? 'output' : 'saved');
    catalog.declare(gradientAt(context, layer), [sizes.N, sizes.C], sent ? 'input' : received ? 'output' : 'deferred');
  }
  if (slice.head && end !== config.layers) {
    throw modelShapeError(`the head stage ends before layer ${end}`, `end it at layer ${config.layers}`);
  }
}

/**
 * The gradient of a block's input. In a fused backward none is needed once the block before has its own: those within
 * the stage take turns in two tensors.
 */
function gradientAt({ slice, fused }: StageContext, layer: number): string {
  const { firstLayer, layerCount, embedding, head } = slice;
  const crosses = (layer === firstLayer && !embedding) || (layer === firstLayer + layerCount && !head);
  return fused && !crosses ? `residual.grad_${layer % 2}_NC` : residualGradientName(layer);
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
function sliceBlocks(context: StageContext): StageBlock[] {
  const { recompute, fused } = context;
  const { firstLayer, layerCount } = context.slice;
  const { block } = familyOf(context.config).programs;
  // One block's backward is over when the next one begins, if it is fused.
  const again = (layer: number): BlockPlaces => recomputedBlock(fused ? 'block' : `h.${layer}`);
  return Array.from({ length: layerCount }, (_, index) => {
    const layer = firstLayer + index;
    const places = forwardBlock(recompute, `h.${layer}`);
    const x_NC = residualName(layer);
    const written = block(context, { layer, places, x_NC });
    return {
      y_NC: residualName(layer + 1),
      written,
      read: recompute === 'full' ? block(context, { layer, places: again(layer), x_NC }) : written,
      dy_NC: gradientAt(context, layer + 1),
      dx_NC: gradientAt(context, layer),
    };
  });
}

export interface TrainingSteps {
  readonly forward: ProgramStep[];
  readonly backwardInput: ProgramStep[];
  readonly backwardWeight: ProgramStep[];
}

function addHead(context: StageContext, { forward, backwardInput, backwardWeight }: TrainingSteps): void {
  const full = context.recompute === 'full';
  const end = context.slice.firstLayer + context.slice.layerCount;
  const last = residualName(end);
  const head = headTensors(context, full ? RECOMPUTED_HEAD : KEPT_HEAD);
  forward.push(...headForward(context, full ? headTensors(context, DROPPED_HEAD) : head, last));
  if (full) backwardInput.push(...headRecompute(context, head, last));
  backwardInput.push(...headBackwardInput(context, head, { x_NC: last, dx_NC: gradientAt(context, end) }));
  const weights = context.fused && context.slice.layerCount > 0 ? backwardInput : backwardWeight;
  weights.push(...headBackwardWeight(context, head, last));
}

/**
 * A block's tensors are computed again just before they are needed, so that scratch holds those of one at a time. In a
 * fused backward each block's W follows its I, but for that of the last one to come: the gradient leaves before it.
 */
export function trainingSteps(context: StageContext): TrainingSteps {
  declareResiduals(context);
  const { slice, recompute } = context;
  const forward = slice.embedding ? embeddingSteps(context, residualName(slice.firstLayer)) : [];
  const backwardInput: ProgramStep[] = [];
  const backwardWeight: ProgramStep[] = [];
  const blocks = sliceBlocks(context);
  for (const { written, y_NC } of blocks) forward.push(...written.forward(y_NC));
  if (slice.head) addHead(context, { forward, backwardInput, backwardWeight });
  for (const block of blocks.toReversed()) {
    if (recompute === 'full') backwardInput.push(...block.read.recompute());
    backwardInput.push(...block.read.backwardInput(block));
    const weights = context.fused && block !== blocks[0] ? backwardInput : backwardWeight;
    if (recompute === 'selective') weights.push(...block.read.recomputeDerived());
    weights.push(...block.read.backwardWeight(block));
  }
  if (slice.embedding) backwardWeight.push(...embeddingGradientSteps(context, gradientAt(context, slice.firstLayer)));
  return { forward, backwardInput, backwardWeight };
}
