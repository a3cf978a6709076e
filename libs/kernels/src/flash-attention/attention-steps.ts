import type { AttentionSizes } from '../attention/attention-sizes';
import type { Operation, TensorDeclaration } from '../program';

export interface AttentionSteps {
  readonly steps: readonly Operation[];
  /** What the steps use besides the caller's tensors: the saved one, and scratch. Declare each once per program. */
  readonly tensors: readonly TensorDeclaration[];
}

/** Tensors of a forward, E = (H+2G)D: qkv[B,T,E] -> y[B,T,HD], and `saved`, which the backward reads. */
export interface AttentionForwardNames {
  readonly qkv: string;
  readonly y: string;
  readonly saved: string;
}

/** Tensors of a backward: dy[B,T,HD] qkv[B,T,E] y[B,T,HD] saved -> dqkv[B,T,E]; `scratch` is free to choose. */
export interface AttentionBackwardNames extends AttentionForwardNames {
  readonly dy: string;
  readonly dqkv: string;
  readonly scratch: string;
}

function perRow(
  { B, H, T }: AttentionSizes,
  name: string,
  role: TensorDeclaration['role'],
): readonly TensorDeclaration[] {
  return [{ name, shape: [B, H, T], dtype: 'f32', role }];
}

/**
 * Causal attention y = softmax(q kᵀ / sqrt(D)) v. `role` is that of the saved tensor, one number per row and head: the
 * log-sum-exp of its scores.
 */
export function attentionForwardSteps(
  { B, T, H, G, D }: AttentionSizes,
  { qkv, y, saved }: AttentionForwardNames,
  role: 'saved' | 'scratch' = 'saved',
): AttentionSteps {
  const dims = { B, T, H, G, D };
  const tensors = { qkv_BTE: qkv, y_BTC: y, lse_BHT: saved };
  return {
    steps: [{ kernel: 'flash_attention_forward', dims, tensors }],
    tensors: perRow(dims, saved, role),
  };
}

/** The gradient of attentionForwardSteps for qkv; `scratch` is valid inside the run only. */
export function attentionBackwardSteps(
  { B, T, H, G, D }: AttentionSizes,
  { dy, qkv, y, saved, dqkv, scratch }: AttentionBackwardNames,
): AttentionSteps {
  const dims = { B, T, H, G, D };
  const tensors = { qkv_BTE: qkv, dy_BTC: dy, lse_BHT: saved, inner_BHT: scratch, dqkv_BTE: dqkv };
  return {
    steps: [
      { kernel: 'flash_attention_inner', dims, tensors: { dy_BTC: dy, y_BTC: y, inner_BHT: scratch } },
      { kernel: 'flash_attention_backward', dims, tensors },
    ],
    tensors: perRow(dims, scratch, 'scratch'),
  };
}
