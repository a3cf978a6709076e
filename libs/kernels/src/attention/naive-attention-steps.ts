import type { Operation, TensorDeclaration } from '../program';
import type { AttentionSizes } from './attention-sizes';

/** Attention in the form that keeps the probabilities, [B,H,T,T]: the oracle of the other, which no model uses. */
export interface NaiveAttentionSteps {
  /** qkv -> y, probabilities. */
  readonly forward: readonly Operation[];
  /** dy, qkv, probabilities -> dqkv, dscores. */
  readonly backward: readonly Operation[];
  /** All tensors of both, by these names. */
  readonly tensors: readonly TensorDeclaration[];
}

export function naiveAttentionSteps({ B, T, H, G, D }: AttentionSizes): NaiveAttentionSteps {
  const dims = { B, T, H, G, D };
  const qkv = { qkv_BTE: 'qkv' };
  const dqkv = { dqkv_BTE: 'dqkv' };
  const probabilities = { probabilities_BHTT: 'probabilities' };
  const dscores = { dscores_BHTT: 'dscores' };
  const scores = { queries_BTE: 'qkv', keys_BTE: 'qkv', scores_BHTT: 'probabilities' };
  const tensor = (name: string, ...shape: number[]): TensorDeclaration => {
    return { name, shape, dtype: 'f32', role: 'scratch' };
  };
  const E = (H + 2 * G) * D;
  return {
    forward: [
      { kernel: 'attention_scores', dims, tensors: scores },
      { kernel: 'attention_softmax', dims, tensors: probabilities },
      { kernel: 'attention_mix', dims, tensors: { ...probabilities, ...qkv, y_BTC: 'y' } },
    ],
    backward: [
      { kernel: 'attention_scores_backward', dims, tensors: { dy_BTC: 'dy', ...qkv, ...dscores } },
      { kernel: 'attention_softmax_backward', dims, tensors: { ...probabilities, ...dscores } },
      { kernel: 'attention_query_backward', dims, tensors: { ...dscores, ...qkv, ...dqkv } },
      { kernel: 'attention_key_backward', dims, tensors: { ...dscores, ...qkv, ...dqkv } },
      { kernel: 'attention_value_backward', dims, tensors: { ...probabilities, dy_BTC: 'dy', ...dqkv } },
    ],
    tensors: [
      tensor('qkv', B, T, E),
      tensor('dqkv', B, T, E),
      tensor('y', B, T, H * D),
      tensor('dy', B, T, H * D),
      tensor('probabilities', B, H, T, T),
      tensor('dscores', B, H, T, T),
    ],
  };
}
