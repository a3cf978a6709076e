import { dimension } from '../dimension';
import type { Dims } from '../kernel';

export interface AttentionSizes {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly D: number;
}

export function attentionSizes(dims: Dims): AttentionSizes {
  return { B: dimension(dims, 'B'), T: dimension(dims, 'T'), H: dimension(dims, 'H'), D: dimension(dims, 'D') };
}

/** Entries on and below the diagonal, over all batch rows and heads. */
export function causalPairs({ B, T, H }: AttentionSizes): number {
  return (B * H * T * (T + 1)) / 2;
}
