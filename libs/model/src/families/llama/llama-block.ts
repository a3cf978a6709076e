import type { ProgramStep } from '@millrace/kernels';
import { attentionBackward, attentionForward, type AttentionTensors } from '../../stage/attention';
import type { BlockSteps, BlockGradients, BlockRequest } from '../../stage/block';
import { type Branch, branchGradient, type BranchGradient, type DropoutSite, dropoutStep } from '../../stage/dropout';
import { normPlaces, type Norm } from '../../stage/norm';
import type { StageContext } from '../../stage/stage-context';
import { type BlockNames, blockNames } from './llama-parameters';
import {
  type Projection,
  projection,
  projectionInputGradient,
  type ProjectionSizes,
  projectionWeightGradient,
} from './projection';
import { rmsNorm } from './rms-norm';
import { type Heads, rotate, rotateBack } from './rotation';

/**
 * A block of Llama (Touvron et al. 2023):
 *                  +-> q, k -> turn -+                              +-> gate -> silu -+
 *   x -+-> norm1 --+                 +-> attention -> output -+-> norm2              (*) -> down -+-> y
 *      |           +-> v ------------+                        |     +-> up -----------+           |
 *      +------------------------------------------------------+-> mid ----------------------------+
 * In training, what output and down compute may be dropped before it is added.
 */
interface BlockTensors extends AttentionTensors {
  readonly norm1: Norm;
  readonly mid_NC: string;
  readonly norm2: Norm;
  readonly gate_NF: string;
  readonly up_NF: string;
  readonly act_NF: string;
}

/** Declares the tensors of a block's forward. */
function blockTensors(context: StageContext, { layer, places }: BlockRequest): BlockTensors {
  const { N, C, F, H, G, D } = context.sizes;
  const { catalog } = context;
  const { weight, derived, input, attention } = places;
  const names = blockNames(layer);
  const { label, role } = weight;
  return {
    attention,
    norm1: rmsNorm(context, { ...normPlaces(places, 'norm1'), weight: names.norm1 }),
    qkv_NE: catalog.declare(`${input.label}.qkv_NE`, [N, (H + 2 * G) * D], input.role),
    heads_NA: catalog.declare(`${label}.heads_NA`, [N, H * D], role),
    mid_NC: catalog.declare(`${label}.mid_NC`, [N, C], role),
    norm2: rmsNorm(context, { ...normPlaces(places, 'norm2'), weight: names.norm2 }),
    gate_NF: catalog.declare(`${input.label}.gate_NF`, [N, F], input.role),
    up_NF: catalog.declare(`${input.label}.up_NF`, [N, F], input.role),
    act_NF: catalog.declare(`${derived.label}.act_NF`, [N, F], derived.role),
  };
}

/** The gradients that the input pass leaves for the weight pass. */
interface DeferredGradients {
  readonly dheads: Heads;
  readonly dnorm1_NC: string;
  readonly dmid_NC: string;
  readonly dgate_NF: string;
  readonly dup_NF: string;
  readonly dnorm2_NC: string;
}

class LlamaBlock implements BlockSteps {
  private readonly names: BlockNames;
  private readonly t: BlockTensors;

  constructor(
    private readonly context: StageContext,
    private readonly request: BlockRequest,
  ) {
    this.names = blockNames(request.layer);
    this.t = blockTensors(context, request);
  }

  forward(y_NC: string): ProgramStep[] {
    const { N, C, F } = this.context.sizes;
    const { act_NF, mid_NC } = this.t;
    const branch = { x: act_NF, weight: this.names.down, residual: mid_NC, y: y_NC };
    return [...this.recompute(), ...this.addBranch('feed-forward', [N, F, C], branch)];
  }

  /** F up to the product that enters the last projection. */
  recompute(): ProgramStep[] {
    const { context, names, t } = this;
    const { x_NC } = this.request;
    const { N, C, F, H, G, D } = context.sizes;
    const heads = this.heads('scratch', 'scratch');
    return [
      t.norm1.forward(x_NC),
      projection([N, C, H * D], { x: t.norm1.y_NC, weight: names.query, y: heads.query }),
      projection([N, C, G * D], { x: t.norm1.y_NC, weight: names.key, y: heads.key }),
      projection([N, C, G * D], { x: t.norm1.y_NC, weight: names.value, y: heads.value }),
      rotate(context, heads, t.qkv_NE),
      ...attentionForward(context, t),
      ...this.addBranch('attention', [N, H * D, C], {
        x: t.heads_NA,
        weight: names.output,
        residual: x_NC,
        y: t.mid_NC,
      }),
      t.norm2.forward(t.mid_NC),
      projection([N, C, F], { x: t.norm2.y_NC, weight: names.gate, y: t.gate_NF }),
      projection([N, C, F], { x: t.norm2.y_NC, weight: names.up, y: t.up_NF }),
      this.activation(),
    ];
  }

  recomputeDerived(): ProgramStep[] {
    const { norm1, norm2, mid_NC } = this.t;
    return [norm1.forward(this.request.x_NC), norm2.forward(mid_NC), this.activation()];
  }

  private activation(): ProgramStep {
    const { N, F } = this.context.sizes;
    const { gate_NF, up_NF, act_NF } = this.t;
    return {
      kernel: 'swiglu_forward',
      dims: { L: N * F },
      tensors: { gate_L: gate_NF, up_L: up_NF, y_L: act_NF },
    };
  }

  backwardInput({ dy_NC, dx_NC }: BlockGradients): ProgramStep[] {
    const { names, t } = this;
    const { N, C, F } = this.context.sizes;
    const g = this.deferred();
    const dact_NF = this.scratch('dact_NF', F);
    const { steps, dbranch } = this.branchGradient('feed-forward', dy_NC);
    return [
      ...steps,
      projectionInputGradient([N, F, C], { dy: dbranch, weight: names.down, dx: dact_NF }),
      {
        kernel: 'swiglu_backward',
        dims: { L: N * F },
        tensors: { gate_L: t.gate_NF, up_L: t.up_NF, dy_L: dact_NF, dgate_L: g.dgate_NF, dup_L: g.dup_NF },
      },
      projectionInputGradient([N, C, F], { dy: g.dgate_NF, weight: names.gate, dx: g.dnorm2_NC }),
      projectionInputGradient([N, C, F], { dy: g.dup_NF, weight: names.up, dx: g.dnorm2_NC, accumulate: 1 }),
      t.norm2.backwardInput({ x_NC: t.mid_NC, dy_NC: g.dnorm2_NC, residual_NC: dy_NC, dx_NC: g.dmid_NC }),
      ...this.attentionBackwardInput(g, dx_NC),
    ];
  }

  /** The steps from the gradient of mid to that of the block's input. */
  private attentionBackwardInput(g: DeferredGradients, dx_NC: string): ProgramStep[] {
    const { context, names, t } = this;
    const { N, C, H, G, D } = context.sizes;
    const dheads_NA = this.scratch('dheads_NA', H * D);
    const dqkv_NE = this.scratch('dqkv_NE', (H + 2 * G) * D);
    const { query, key, value } = g.dheads;
    const { steps, dbranch } = this.branchGradient('attention', g.dmid_NC);
    return [
      ...steps,
      projectionInputGradient([N, H * D, C], { dy: dbranch, weight: names.output, dx: dheads_NA }),
      ...attentionBackward(context, t, { dy: dheads_NA, dqkv: dqkv_NE }),
      rotateBack(context, dqkv_NE, g.dheads),
      projectionInputGradient([N, C, H * D], { dy: query, weight: names.query, dx: g.dnorm1_NC }),
      projectionInputGradient([N, C, G * D], { dy: key, weight: names.key, dx: g.dnorm1_NC, accumulate: 1 }),
      projectionInputGradient([N, C, G * D], { dy: value, weight: names.value, dx: g.dnorm1_NC, accumulate: 1 }),
      t.norm1.backwardInput({ x_NC: this.request.x_NC, dy_NC: g.dnorm1_NC, residual_NC: g.dmid_NC, dx_NC }),
    ];
  }

  backwardWeight({ dy_NC }: BlockGradients): ProgramStep[] {
    const { names, t } = this;
    const { N, C, F, H, G, D } = this.context.sizes;
    const g = this.deferred();
    const { query, key, value } = g.dheads;
    const feedForward = this.branchGradient('feed-forward', dy_NC);
    const attention = this.branchGradient('attention', g.dmid_NC);
    return [
      ...feedForward.steps,
      projectionWeightGradient([N, F, C], { x: t.act_NF, dy: feedForward.dbranch, weight: names.down }),
      projectionWeightGradient([N, C, F], { x: t.norm2.y_NC, dy: g.dup_NF, weight: names.up }),
      projectionWeightGradient([N, C, F], { x: t.norm2.y_NC, dy: g.dgate_NF, weight: names.gate }),
      t.norm2.backwardWeight({ x_NC: t.mid_NC, dy_NC: g.dnorm2_NC }),
      ...attention.steps,
      projectionWeightGradient([N, H * D, C], { x: t.heads_NA, dy: attention.dbranch, weight: names.output }),
      projectionWeightGradient([N, C, G * D], { x: t.norm1.y_NC, dy: value, weight: names.value }),
      projectionWeightGradient([N, C, G * D], { x: t.norm1.y_NC, dy: key, weight: names.key }),
      projectionWeightGradient([N, C, H * D], { x: t.norm1.y_NC, dy: query, weight: names.query }),
      t.norm1.backwardWeight({ x_NC: this.request.x_NC, dy_NC: g.dnorm1_NC }),
    ];
  }

  /** A tensor of N rows that the programs of a stage share. */
  private scratch(name: string, columns: number): string {
    const { catalog, sizes } = this.context;
    return catalog.declare(`scratch.${name}`, [sizes.N, columns], 'scratch');
  }

  private heads(label: string, role: 'scratch' | 'deferred'): Heads {
    const { catalog, sizes } = this.context;
    const { N, H, G, D } = sizes;
    return {
      query: catalog.declare(`${label}.q_NA`, [N, H * D], role),
      key: catalog.declare(`${label}.k_NGD`, [N, G * D], role),
      value: catalog.declare(`${label}.v_NGD`, [N, G * D], role),
    };
  }

  /** y = x Wᵀ + residual, where elements of x Wᵀ may be dropped. */
  private addBranch(
    branch: Branch,
    sizes: ProjectionSizes,
    { residual, y, ...product }: Required<Projection>,
  ): ProgramStep[] {
    const { context } = this;
    if (context.dropout === 0) return [projection(sizes, { ...product, residual, y })];
    const branch_NC = this.scratch('branch_NC', context.sizes.C);
    return [
      projection(sizes, { ...product, y: branch_NC }),
      dropoutStep(context, this.site(branch), { x: branch_NC, residual, y }),
    ];
  }

  private branchGradient(branch: Branch, dy_NC: string): BranchGradient {
    return branchGradient(this.context, this.site(branch), dy_NC);
  }

  private site(branch: Branch): DropoutSite {
    return `h.${this.request.layer}.${branch}`;
  }

  private deferred(): DeferredGradients {
    const { catalog, sizes } = this.context;
    const { N, C, F } = sizes;
    const label = this.request.places.gradients;
    const gradient = (name: string, columns: number): string =>
      catalog.declare(`${label}.${name}`, [N, columns], 'deferred');
    return {
      dheads: this.heads(`${label}.grad`, 'deferred'),
      dnorm1_NC: gradient('norm1.grad_NC', C),
      dmid_NC: gradient('mid.grad_NC', C),
      dgate_NF: gradient('gate.grad_NF', F),
      dup_NF: gradient('up.grad_NF', F),
      dnorm2_NC: gradient('norm2.grad_NC', C),
    };
  }
}

export function llamaBlock(context: StageContext, request: BlockRequest): BlockSteps {
  return new LlamaBlock(context, request);
}
