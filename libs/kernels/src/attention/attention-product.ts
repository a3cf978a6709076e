import type { Dims, KernelTarget, KernelVariant } from '../kernel';
import { linearWorkgroups } from '../launch';
import { type AttentionSizes, attentionSizes } from './attention-sizes';

/**
 * A head's matrix in a tensor, in elements: row r of head h, batch row b is at b*batch + h*head + offset + r*stride.
 */
interface Operand {
  readonly batch: number;
  readonly head: number;
  readonly offset: number;
  readonly stride: number;
}

type OperandOf = (sizes: AttentionSizes) => Operand;

/** [B,H,T,T]: scores or probabilities. */
export const square: OperandOf = ({ T, H }) => ({ batch: H * T * T, head: T * T, offset: 0, stride: T });

/** [B,T,HD]: y or dy. */
export const tokenRows: OperandOf = ({ T, H, D }) => ({ batch: T * H * D, head: D, offset: 0, stride: H * D });

/** The q, k or v columns of [B,T,3HD], where every query head has its own key and value head. */
const part =
  (index: number): OperandOf =>
  ({ T, H, D }) => ({
    batch: 3 * T * H * D,
    head: D,
    offset: index * H * D,
    stride: 3 * H * D,
  });
export const queryRows = part(0);
export const keyRows = part(1);
export const valueRows = part(2);

export interface ProductRequest {
  readonly target: KernelTarget;
  readonly operands: { readonly a: OperandOf; readonly b: OperandOf; readonly c: OperandOf };
  /** Divides by sqrt(D). */
  readonly scaled?: boolean;
}

function overridesOf(prefix: string, { batch, head, offset, stride }: Operand): Dims {
  return {
    [`${prefix}_BATCH`]: batch,
    [`${prefix}_HEAD`]: head,
    [`${prefix}_OFFSET`]: offset,
    [`${prefix}_STRIDE`]: stride,
  };
}

/**
 * The subgroup variant of one of attention's products, or undefined where the adapter, an odd size or shared key heads
 * rule it out.
 */
export function subgroupProduct(
  layout: 'nn' | 'nt' | 'tn',
  dims: Dims,
  { target, operands, scaled }: ProductRequest,
): KernelVariant | undefined {
  const sizes = attentionSizes(dims);
  const { B, T, H, G, D } = sizes;
  const suits = target.adapterClass === 'cpu' && target.subgroups && target.subgroupSize === 8 && G === H;
  if (!suits || T % 4 !== 0 || D % 4 !== 0) return undefined;
  const [M, K, N] = layout === 'nt' ? [T, D, T] : [T, T, D];
  return {
    wgsl: `attention_${layout}_subgroup`,
    overrides: {
      H,
      HEADS: B * H,
      M,
      K,
      N,
      ...overridesOf('A', operands.a(sizes)),
      ...overridesOf('B', operands.b(sizes)),
      ...overridesOf('C', operands.c(sizes)),
      ...(layout === 'nt' ? { SCALE: scaled ? 1 / Math.sqrt(D) : 1 } : {}),
    },
    workgroups: linearWorkgroups(B * H * Math.ceil(M / 16) * Math.ceil(N / 32), target),
  };
}
