import type { ProgramStep, TensorRole } from '@millrace/kernels';
import { blockName } from '../parameters';
import { attentionBackward, attentionForward, type AttentionTensors } from './attention';
import { linear, linearInputGradient, linearWeightGradient } from './linear';
import { norm, type NormTensors, normInputGradient, normTensors, normWeightGradient } from './norm';
import type { StageContext } from './stage-context';

/**
 * A pre-norm transformer block (Radford et al. 2019):
 *   ln_1 -> c_attn -> attention -> c_proj -+-> ln_2 -> c_fc -> gelu -> c_proj -+-> y
 *   x -------------------------------------+-> mid ----------------------------+
 */
export interface BlockTensors extends AttentionTensors {
  readonly label: string;
  readonly norm1: NormTensors;
  readonly mid_NC: string;
  readonly norm2: NormTensors;
  readonly fc_NF: string;
  readonly gelu_NF: string;
}

/** Tensors a forward writes: `saved` ones of a layer for training, otherwise `scratch` ones that all layers share. */
export function blockTensors(context: StageContext, label: string, role: TensorRole): BlockTensors {
  const {
    catalog,
    sizes: { N, C, F },
  } = context;
  return {
    label,
    role,
    attention: `${label}.attention`,
    norm1: normTensors(context, `${label}.ln_1`, role),
    qkv_N3C: catalog.declare(`${label}.qkv_N3C`, [N, 3 * C], role),
    heads_NC: catalog.declare(`${label}.heads_NC`, [N, C], role),
    mid_NC: catalog.declare(`${label}.mid_NC`, [N, C], role),
    norm2: normTensors(context, `${label}.ln_2`, role),
    fc_NF: catalog.declare(`${label}.fc_NF`, [N, F], role),
    gelu_NF: catalog.declare(`${label}.gelu_NF`, [N, F], role),
  };
}

export interface BlockForward {
  readonly layer: number;
  readonly tensors: BlockTensors;
  /** Residual stream before the block. */
  readonly x_NC: string;
  /** Residual stream after it, written. */
  readonly y_NC: string;
}

/** F. */
export function blockForward(context: StageContext, { layer, tensors: t, x_NC, y_NC }: BlockForward): ProgramStep[] {
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
    linear([N, F, C], { x: t.gelu_NF, weight: `${name}.mlp.c_proj`, y: y_NC, residual: t.mid_NC }),
  ];
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
  const g = blockGradients(context, t.label);
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
  const g = blockGradients(context, t.label);
  return [
    ...linearWeightGradient([N, F, C], { x: t.gelu_NF, dy: dy_NC, weight: `${name}.mlp.c_proj` }),
    ...linearWeightGradient([N, C, F], { x: t.norm2.y_NC, dy: g.dfc_NF, weight: `${name}.mlp.c_fc` }),
    normWeightGradient(context, { weight: `${name}.ln_2`, x: t.mid_NC, dy: g.dnorm2_NC, ...t.norm2 }),
    ...linearWeightGradient([N, C, C], { x: t.heads_NC, dy: g.dmid_NC, weight: `${name}.attn.c_proj` }),
    ...linearWeightGradient([N, C, 3 * C], { x: t.norm1.y_NC, dy: g.dqkv_N3C, weight: `${name}.attn.c_attn` }),
    normWeightGradient(context, { weight: `${name}.ln_1`, x: x_NC, dy: g.dnorm1_NC, ...t.norm1 }),
  ];
}
