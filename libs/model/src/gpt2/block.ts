import type { Recompute } from '@millrace/core';
import type { ProgramStep } from '@millrace/kernels';
import { blockName } from '../parameters';
import {
  attentionBackward,
  attentionForward,
  attentionRecompute,
  type AttentionTensors,
  SCRATCH_ATTENTION,
} from './attention';
import { linear, linearInputGradient, linearWeightGradient } from './linear';
import { norm, type NormTensors, normInputGradient, normTensors, normWeightGradient } from './norm';
import { type Place, SCRATCH } from './place';
import type { StageContext } from './stage-context';

/**
 * A pre-norm transformer block (Radford et al. 2019):
 *   ln_1 -> c_attn -> attention -> c_proj -+-> ln_2 -> c_fc -> gelu -> c_proj -+-> y
 *   x -------------------------------------+-> mid ----------------------------+
 */
export interface BlockTensors extends AttentionTensors {
  readonly norm1: NormTensors;
  readonly mid_NC: string;
  readonly norm2: NormTensors;
  readonly fc_NF: string;
  readonly gelu_NF: string;
}

/** Where the tensors of a block's forward are, by who reads them. */
export interface BlockPlaces {
  /** Tensors that W reads, most of which I reads too. */
  readonly weight: Place;
  /** Tensors that only I reads: the query, key and value rows, and the input of the GELU. */
  readonly input: Place;
  /** The probabilities of the attention, which only I reads. */
  readonly attention: Place;
}

/** Nothing is kept: all blocks of a stage write the same tensors. */
export const SCRATCH_BLOCK: BlockPlaces = { weight: SCRATCH, input: SCRATCH, attention: SCRATCH_ATTENTION };

/** Everything is kept from F to W. */
export function keptBlock(label: string): BlockPlaces {
  const place: Place = { label, role: 'saved' };
  return { weight: place, input: place, attention: { label: `${label}.attention`, role: 'saved' } };
}

/** I computes the tensors again: what W reads is kept until W, the rest until the end of I's run. */
export function recomputedBlock(label: string): BlockPlaces {
  return { ...SCRATCH_BLOCK, weight: { label, role: 'deferred' } };
}

/** Declares the tensors of a block's forward. */
export function blockTensors(context: StageContext, { weight, input, attention }: BlockPlaces): BlockTensors {
  const {
    catalog,
    sizes: { N, C, F },
  } = context;
  return {
    attention,
    norm1: normTensors(context, `${weight.label}.ln_1`, weight.role),
    qkv_N3C: catalog.declare(`${input.label}.qkv_N3C`, [N, 3 * C], input.role),
    heads_NC: catalog.declare(`${weight.label}.heads_NC`, [N, C], weight.role),
    mid_NC: catalog.declare(`${weight.label}.mid_NC`, [N, C], weight.role),
    norm2: normTensors(context, `${weight.label}.ln_2`, weight.role),
    fc_NF: catalog.declare(`${input.label}.fc_NF`, [N, F], input.role),
    gelu_NF: catalog.declare(`${weight.label}.gelu_NF`, [N, F], weight.role),
  };
}

export interface BlockForward {
  readonly layer: number;
  readonly tensors: BlockTensors;
  /** Residual stream before the block. */
  readonly x_NC: string;
  /** The residual stream after the block, which is written. */
  readonly y_NC: string;
}

/** F up to the MLP's hidden layer: everything that the backward reads. */
function blockInterior(context: StageContext, block: Omit<BlockForward, 'y_NC'>): ProgramStep[] {
  const { layer, tensors: t, x_NC } = block;
  const { N, C, F } = context.sizes;
  const name = blockName(layer);
  return [
    norm(context, { weight: `${name}.ln_1`, x: x_NC, ...t.norm1 }),
    linear([N, C, 3 * C], { x: t.norm1.y_NC, weight: `${name}.attn.c_attn`, y: t.qkv_N3C }),
    ...attentionForward(context, t),
    linear([N, C, C], { x: t.heads_NC, weight: `${name}.attn.c_proj`, y: t.mid_NC, residual: x_NC }),
    norm(context, { weight: `${name}.ln_2`, x: t.mid_NC, ...t.norm2 }),
    linear([N, C, F], { x: t.norm2.y_NC, weight: `${name}.mlp.c_fc`, y: t.fc_NF }),
    { kernel: 'gelu_forward', dims: { L: N * F }, tensors: { x_L: t.fc_NF, y_L: t.gelu_NF } },
  ];
}

/** F. */
export function blockForward(context: StageContext, block: BlockForward): ProgramStep[] {
  const { layer, tensors: t, y_NC } = block;
  const { N, C, F } = context.sizes;
  const weight = `${blockName(layer)}.mlp.c_proj`;
  return [...blockInterior(context, block), linear([N, F, C], { x: t.gelu_NF, weight, y: y_NC, residual: t.mid_NC })];
}

/** What runs before I if F did not keep all that I and W read: the same kernels on the same shapes. */
export function blockRecompute(
  context: StageContext,
  recompute: Recompute,
  block: Omit<BlockForward, 'y_NC'>,
): readonly ProgramStep[] {
  switch (recompute) {
    case 'none':
      return [];
    case 'selective':
      return attentionRecompute(context, block.tensors);
    case 'full':
      return blockInterior(context, block);
    default:
      return recompute satisfies never;
  }
}

/** Gradients that the input pass leaves for the weight pass. */
interface BlockGradients {
  readonly dqkv_N3C: string;
  readonly dnorm1_NC: string;
  readonly dmid_NC: string;
  readonly dfc_NF: string;
  readonly dnorm2_NC: string;
}

function blockGradients({ catalog, sizes }: StageContext, label: string): BlockGradients {
  const { N, C, F } = sizes;
  return {
    dqkv_N3C: catalog.declare(`${label}.qkv.grad_N3C`, [N, 3 * C], 'deferred'),
    dnorm1_NC: catalog.declare(`${label}.ln_1.grad_NC`, [N, C], 'deferred'),
    dmid_NC: catalog.declare(`${label}.mid.grad_NC`, [N, C], 'deferred'),
    dfc_NF: catalog.declare(`${label}.fc.grad_NF`, [N, F], 'deferred'),
    dnorm2_NC: catalog.declare(`${label}.ln_2.grad_NC`, [N, C], 'deferred'),
  };
}

/** What a backward of one block reads: its forward's tensors, its input, and the gradients of its output and input. */
export interface BlockBackward {
  readonly layer: number;
  readonly tensors: BlockTensors;
  readonly x_NC: string;
  readonly dy_NC: string;
  readonly dx_NC: string;
}

/** I: from the gradient of the block's output to that of its input. */
export function blockBackwardInput(context: StageContext, block: BlockBackward): ProgramStep[] {
  const {
    catalog,
    sizes: { N, C, F },
  } = context;
  const { tensors: t, x_NC, dy_NC, dx_NC } = block;
  const name = blockName(block.layer);
  const norm1 = { weight: `${name}.ln_1`, x: x_NC, ...t.norm1 };
  const norm2 = { weight: `${name}.ln_2`, x: t.mid_NC, ...t.norm2 };
  const g = blockGradients(context, `h.${block.layer}`);
  const dgelu_NF = catalog.declare('scratch.dgelu_NF', [N, F], 'scratch');
  const dheads_NC = catalog.declare('scratch.dheads_NC', [N, C], 'scratch');
  return [
    linearInputGradient([N, F, C], { dy: dy_NC, weight: `${name}.mlp.c_proj`, dx: dgelu_NF }),
    { kernel: 'gelu_backward', dims: { L: N * F }, tensors: { x_L: t.fc_NF, dy_L: dgelu_NF, dx_L: g.dfc_NF } },
    linearInputGradient([N, C, F], { dy: g.dfc_NF, weight: `${name}.mlp.c_fc`, dx: g.dnorm2_NC }),
    normInputGradient(context, { ...norm2, dy: g.dnorm2_NC, residual: dy_NC, dx: g.dmid_NC }),
    linearInputGradient([N, C, C], { dy: g.dmid_NC, weight: `${name}.attn.c_proj`, dx: dheads_NC }),
    ...attentionBackward(context, t, { dy: dheads_NC, dqkv: g.dqkv_N3C }),
    linearInputGradient([N, C, 3 * C], { dy: g.dqkv_N3C, weight: `${name}.attn.c_attn`, dx: g.dnorm1_NC }),
    normInputGradient(context, { ...norm1, dy: g.dnorm1_NC, residual: g.dmid_NC, dx: dx_NC }),
  ];
}

/** W: adds the gradients of the block's parameters to what is there. */
export function blockBackwardWeight(context: StageContext, block: BlockBackward): ProgramStep[] {
  const { N, C, F } = context.sizes;
  const { tensors: t, x_NC, dy_NC } = block;
  const name = blockName(block.layer);
  const g = blockGradients(context, `h.${block.layer}`);
  return [
    ...linearWeightGradient([N, F, C], { x: t.gelu_NF, dy: dy_NC, weight: `${name}.mlp.c_proj` }),
    ...linearWeightGradient([N, C, F], { x: t.norm2.y_NC, dy: g.dfc_NF, weight: `${name}.mlp.c_fc` }),
    normWeightGradient(context, { weight: `${name}.ln_2`, x: t.mid_NC, dy: g.dnorm2_NC, ...t.norm2 }),
    ...linearWeightGradient([N, C, C], { x: t.heads_NC, dy: g.dmid_NC, weight: `${name}.attn.c_proj` }),
    ...linearWeightGradient([N, C, 3 * C], { x: t.norm1.y_NC, dy: g.dqkv_N3C, weight: `${name}.attn.c_attn` }),
    normWeightGradient(context, { weight: `${name}.ln_1`, x: x_NC, dy: g.dnorm1_NC, ...t.norm1 }),
  ];
}
