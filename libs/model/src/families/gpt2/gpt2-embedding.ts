import type { ProgramStep } from '@millrace/kernels';
import { gradientName, type StageContext } from '../../stage/stage-context';
import { GPT2_POSITION_EMBEDDING, GPT2_TOKEN_EMBEDDING } from './gpt2-parameters';
import { tokenGradient } from '../token-gradient';

/** y = wte[token] + wpe[position]. */
export function gpt2Embedding(
  { sizes: { B, T, C, V } }: StageContext,
  { tokens_BT, y_BTC }: { tokens_BT: string; y_BTC: string },
): ProgramStep {
  return {
    kernel: 'embedding_forward',
    dims: { B, T, C, V },
    tensors: { tokens_BT, wte_VC: GPT2_TOKEN_EMBEDDING, wpe_TC: GPT2_POSITION_EMBEDDING, y_BTC },
  };
}

export function embeddingBackwardWeight(
  context: StageContext,
  { tokens_BT, dy_BTC }: { tokens_BT: string; dy_BTC: string },
): ProgramStep[] {
  const { B, T, C } = context.sizes;
  return [
    ...tokenGradient(context, { tokens_BT, dy_BTC, weight: GPT2_TOKEN_EMBEDDING }),
    {
      kernel: 'embedding_backward_position',
      dims: { B, T, C, accumulate: 1 },
      tensors: { dy_BTC, dwpe_TC: gradientName(GPT2_POSITION_EMBEDDING) },
    },
  ];
}
