import type { Operation, ProgramStep, TensorDeclaration, TensorRole } from '../program';
import type { AttentionSizes } from './attention-sizes';

export interface AttentionSteps {
  readonly steps: readonly ProgramStep[];
  /** What the steps use besides the caller's tensors: the saved one, and scratch. Declare each once per program. */
  readonly tensors: readonly TensorDeclaration[];
}

/** Tensors of a forward, E = (H+2G)D: qkv[B,T,E] -> y[B,T,HD], and `saved`, which the backward reads. */
export interface AttentionForwardNames {
  readonly qkv: string;
  readonly y: string;
  readonly saved: string;
}

/** Tensors of a backward: dy[B,T,HD] qkv[B,T,E] saved -> dqkv[B,T,E]; `scratch` is free to choose. */
export interface AttentionBackwardNames {
  readonly dy: string;
  readonly qkv: string;
  readonly saved: string;
  readonly dqkv: string;
  readonly scratch: string;
}

function square({ B, T, H }: AttentionSizes, name: string, role: TensorRole): TensorDeclaration {
  return { name, shape: [B, H, T, T], dtype: 'f32', role };
}

function probabilities(dims: Operation['dims'], { qkv, saved }: Omit<AttentionForwardNames, 'y'>): Operation[] {
  return [
    { kernel: 'attention_scores', dims, tensors: { queries_BTE: qkv, keys_BTE: qkv, scores_BHTT: saved } },
    { kernel: 'attention_softmax', dims, tensors: { probabilities_BHTT: saved } },
  ];
}

/**
 * Causal attention y = softmax(q kᵀ / sqrt(D)) v. `savedRole` is 'scratch' for a forward without a backward. The saved
 * tensor holds the probabilities, [B,H,T,T].
 */
export function attentionForwardSteps(
  { B, T, H, G, D }: AttentionSizes,
  { qkv, y, saved }: AttentionForwardNames,
  savedRole: 'saved' | 'scratch' = 'saved',
): AttentionSteps {
  const dims = { B, T, H, G, D };
  const steps: Operation[] = [
    ...probabilities(dims, { qkv, saved }),
    { kernel: 'attention_mix', dims, tensors: { probabilities_BHTT: saved, qkv_BTE: qkv, y_BTC: y } },
  ];
  return { steps, tensors: [square(dims, saved, savedRole)] };
}

/**
 * Writes what `attentionForwardSteps` leaves in `saved` once more, bit for bit, from the qkv that it read: scratch of
 * the program that these steps are part of.
 */
export function attentionRecomputeSteps(
  { B, T, H, G, D }: AttentionSizes,
  names: Omit<AttentionForwardNames, 'y'>,
): AttentionSteps {
  const dims = { B, T, H, G, D };
  return { steps: probabilities(dims, names), tensors: [square(dims, names.saved, 'scratch')] };
}

/** Gradient of attentionForwardSteps for qkv; `scratch` is [B,H,T,T], valid inside the run only. */
export function attentionBackwardSteps(
  { B, T, H, G, D }: AttentionSizes,
  { dy, qkv, saved, dqkv, scratch }: AttentionBackwardNames,
): AttentionSteps {
  const dims = { B, T, H, G, D };
  const steps: Operation[] = [
    { kernel: 'attention_scores_backward', dims, tensors: { dy_BTC: dy, qkv_BTE: qkv, dscores_BHTT: scratch } },
    { kernel: 'attention_softmax_backward', dims, tensors: { probabilities_BHTT: saved, dscores_BHTT: scratch } },
    { kernel: 'attention_query_backward', dims, tensors: { dscores_BHTT: scratch, qkv_BTE: qkv, dqkv_BTE: dqkv } },
    { kernel: 'attention_key_backward', dims, tensors: { dscores_BHTT: scratch, qkv_BTE: qkv, dqkv_BTE: dqkv } },
    { kernel: 'attention_value_backward', dims, tensors: { probabilities_BHTT: saved, dy_BTC: dy, dqkv_BTE: dqkv } },
  ];
  return { steps, tensors: [square(dims, scratch, 'scratch')] };
}
