import type { ProgramStep } from '@millrace/kernels';
import type { StageContext } from '../../stage/stage-context';
import { tokenGradient } from '../token-gradient';
import { LLAMA_TOKEN_EMBEDDING } from './llama-parameters';

/** y = embed_tokens[token]; positions enter in attention. */
export function tokenEmbeddingForward(
  { sizes: { B, T, C, V } }: StageContext,
  { tokens_BT, y_BTC }: { tokens_BT: string; y_BTC: string },
): ProgramStep {
  return {
    kernel: 'embedding_forward_token',
    dims: { B, T, C, V },
    tensors: { tokens_BT, wte_VC: LLAMA_TOKEN_EMBEDDING, y_BTC },
  };
}

export function embeddingBackward(
  context: StageContext,
  tensors: { tokens_BT: string; dy_BTC: string },
): ProgramStep[] {
  return tokenGradient(context, { ...tensors, weight: LLAMA_TOKEN_EMBEDDING });
}
