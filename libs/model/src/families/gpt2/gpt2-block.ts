import type { ProgramStep } from '@millrace/kernels';
import { attentionBackward, attentionForward, type AttentionTensors } from '../../stage/attention';
import type { BlockSteps, BlockGradients, BlockRequest } from '../../stage/block';
import { type Branch, branchGradient, type BranchGradient, type DropoutSite, dropoutStep } from '../../stage/dropout';
import { normPlaces, type Norm } from '../../stage/norm';
import type { StageContext } from '../../stage/stage-context';
import { conv1d, conv1dInputGradient, type Conv1dForward, type Conv1dSizes, conv1dWeightGradient } from './conv1d';
import { blockName } from './gpt2-parameters';
import { layerNorm } from './layer-norm';

/**
 * A pre-norm transformer block (Radford et al. 2019):
 *   ln_1 -> c_attn -> attention -> c_proj -+-> ln_2 -> c_fc -> gelu -> c_proj -+-> y
 *   x -------------------------------------+-> mid ----------------------------+
 * In training, what the two c_proj compute may be dropped before it is added.
 */
interface BlockTensors extends AttentionTensors {
  readonly norm1: Norm;
  readonly mid_NC: string;
  readonly norm2: Norm;
  readonly fc_NF: string;
  readonly gelu_NF: string;
}

/** Declares the tensors of a block's forward. */
function blockTensors(context: StageContext, { layer, places }: BlockRequest): BlockTensors {
  const { weight, derived, input, attention } = places;
  const {
    catalog,
    sizes: { N, C, F },
  } = context;
  const name = blockName(layer);
  const norm = (part: 'ln_1' | 'ln_2'): Norm =>
    layerNorm(context, { ...normPlaces(places, part), weight: `${name}.${part}` });
  return {
    attention,
    norm1: norm('ln_1'),
    qkv_NE: catalog.declare(`${input.label}.qkv_NE`, [N, 3 * C], input.role),
    heads_NA: catalog.declare(`${weight.label}.heads_NC`, [N, C], weight.role),
    mid_NC: catalog.declare(`${weight.label}.mid_NC`, [N, C], weight.role),
    norm2: norm('ln_2'),
    fc_NF: catalog.declare(`${input.label}.fc_NF`, [N, F], input.role),
    gelu_NF: catalog.declare(`${derived.label}.gelu_NF`, [N, F], derived.role),
  };
}

/** The gradients that the input pass leaves for the weight pass. */
interface DeferredGradients {
  readonly dqkv_NE: string;
  readonly dnorm1_NC: string;
  readonly dmid_NC: string;
  readonly dfc_NF: string;
  readonly dnorm2_NC: string;
}

function deferredGradients({ catalog, sizes }: StageContext, label: string): DeferredGradients {
  const { N, C, F } = sizes;
  return {
    dqkv_NE: catalog.declare(`${label}.qkv.grad_NE`, [N, 3 * C], 'deferred'),
    dnorm1_NC: catalog.declare(`${label}.ln_1.grad_NC`, [N, C], 'deferred'),
    dmid_NC: catalog.declare(`${label}.mid.grad_NC`, [N, C], 'deferred'),
    dfc_NF: catalog.declare(`${label}.fc.grad_NF`, [N, F], 'deferred'),
    dnorm2_NC: catalog.declare(`${label}.ln_2.grad_NC`, [N, C], 'deferred'),
  };
}

class Gpt2Block implements BlockSteps {
  private readonly name: string;
  private readonly t: BlockTensors;

  constructor(
    private readonly context: StageContext,
    private readonly request: BlockRequest,
  ) {
    this.name = blockName(request.layer);
    this.t = blockTensors(context, request);
  }

  forward(y_NC: string): ProgramStep[] {
    const { N, C, F } = this.context.sizes;
    const { gelu_NF, mid_NC } = this.t;
    const weight = `${this.name}.mlp.c_proj`;
    const branch = { x: gelu_NF, weight, y: y_NC, residual: mid_NC };
    return [...this.recompute(), ...this.addBranch('feed-forward', [N, F, C], branch)];
  }

  /** F up to the MLP's hidden layer: everything that the backward reads. */
  recompute(): ProgramStep[] {
    const { context, name, t } = this;
    const { x_NC } = this.request;
    const { N, C, F } = context.sizes;
    return [
      t.norm1.forward(x_NC),
      conv1d([N, C, 3 * C], { x: t.norm1.y_NC, weight: `${name}.attn.c_attn`, y: t.qkv_NE }),
      ...attentionForward(context, t),
      ...this.addBranch('attention', [N, C, C], {
        x: t.heads_NA,
        weight: `${name}.attn.c_proj`,
        y: t.mid_NC,
        residual: x_NC,
      }),
      t.norm2.forward(t.mid_NC),
      conv1d([N, C, F], { x: t.norm2.y_NC, weight: `${name}.mlp.c_fc`, y: t.fc_NF }),
      this.activation(),
    ];
  }

  recomputeDerived(): ProgramStep[] {
    const { norm1, norm2, mid_NC } = this.t;
    return [norm1.forward(this.request.x_NC), norm2.forward(mid_NC), this.activation()];
  }

  private activation(): ProgramStep {
    const { N, F } = this.context.sizes;
    return { kernel: 'gelu_forward', dims: { L: N * F }, tensors: { x_L: this.t.fc_NF, y_L: this.t.gelu_NF } };
  }

  backwardInput({ dy_NC, dx_NC }: BlockGradients): ProgramStep[] {
    const { context, name, t } = this;
    const { catalog } = context;
    const { N, C, F } = context.sizes;
    const g = deferredGradients(context, this.request.places.gradients);
    const dgelu_NF = catalog.declare('scratch.dgelu_NF', [N, F], 'scratch');
    const dheads_NC = catalog.declare('scratch.dheads_NC', [N, C], 'scratch');
    const { x_NC } = this.request;
    const feedForward = this.branchGradient('feed-forward', dy_NC);
    const attention = this.branchGradient('attention', g.dmid_NC);
    return [
      ...feedForward.steps,
      conv1dInputGradient([N, F, C], { dy: feedForward.dbranch, weight: `${name}.mlp.c_proj`, dx: dgelu_NF }),
      { kernel: 'gelu_backward', dims: { L: N * F }, tensors: { x_L: t.fc_NF, dy_L: dgelu_NF, dx_L: g.dfc_NF } },
      conv1dInputGradient([N, C, F], { dy: g.dfc_NF, weight: `${name}.mlp.c_fc`, dx: g.dnorm2_NC }),
      t.norm2.backwardInput({ x_NC: t.mid_NC, dy_NC: g.dnorm2_NC, residual_NC: dy_NC, dx_NC: g.dmid_NC }),
      ...attention.steps,
      conv1dInputGradient([N, C, C], { dy: attention.dbranch, weight: `${name}.attn.c_proj`, dx: dheads_NC }),
      ...attentionBackward(context, t, { dy: dheads_NC, dqkv: g.dqkv_NE }),
      conv1dInputGradient([N, C, 3 * C], { dy: g.dqkv_NE, weight: `${name}.attn.c_attn`, dx: g.dnorm1_NC }),
      t.norm1.backwardInput({ x_NC, dy_NC: g.dnorm1_NC, residual_NC: g.dmid_NC, dx_NC }),
    ];
  }

  backwardWeight({ dy_NC }: BlockGradients): ProgramStep[] {
    const { context, name, t } = this;
    const { N, C, F } = context.sizes;
    const g = deferredGradients(context, this.request.places.gradients);
    const feedForward = this.branchGradient('feed-forward', dy_NC);
    const attention = this.branchGradient('attention', g.dmid_NC);
    return [
      ...feedForward.steps,
      ...conv1dWeightGradient([N, F, C], { x: t.gelu_NF, dy: feedForward.dbranch, weight: `${name}.mlp.c_proj` }),
      ...conv1dWeightGradient([N, C, F], { x: t.norm2.y_NC, dy: g.dfc_NF, weight: `${name}.mlp.c_fc` }),
      t.norm2.backwardWeight({ x_NC: t.mid_NC, dy_NC: g.dnorm2_NC }),
      ...attention.steps,
      ...conv1dWeightGradient([N, C, C], { x: t.heads_NA, dy: attention.dbranch, weight: `${name}.attn.c_proj` }),
      ...conv1dWeightGradient([N, C, 3 * C], { x: t.norm1.y_NC, dy: g.dqkv_NE, weight: `${name}.attn.c_attn` }),
      t.norm1.backwardWeight({ x_NC: this.request.x_NC, dy_NC: g.dnorm1_NC }),
    ];
  }

  /** y = x W + b + residual, where elements of x W + b may be dropped. */
  private addBranch(
    branch: Branch,
    sizes: Conv1dSizes,
    { residual, y, ...product }: Required<Conv1dForward>,
  ): ProgramStep[] {
    const { context } = this;
    if (context.dropout === 0) return [conv1d(sizes, { ...product, y, residual })];
    const { N, C } = context.sizes;
    const branch_NC = context.catalog.declare('scratch.branch_NC', [N, C], 'scratch');
    return [
      conv1d(sizes, { ...product, y: branch_NC }),
      dropoutStep(context, this.site(branch), { x: branch_NC, residual, y }),
    ];
  }

  private branchGradient(branch: Branch, dy_NC: string): BranchGradient {
    return branchGradient(this.context, this.site(branch), dy_NC);
  }

  private site(branch: Branch): DropoutSite {
    return `h.${this.request.layer}.${branch}`;
  }
}

export function gpt2Block(context: StageContext, request: BlockRequest): BlockSteps {
  return new Gpt2Block(context, request);
}
