import type { ProgramStep } from '@millrace/kernels';
import { POSITION_EMBEDDING, TOKEN_EMBEDDING } from '../parameters';
import { gradientName, type StageContext } from './stage-context';

export const TOKENS = 'tokens_BT';

function declareTokens({ catalog, sizes: { B, T } }: StageContext): string {
  return catalog.declareIds(TOKENS, [B, T], 'input');
}

/** y = wte[token] + wpe[position]. */
export function embeddingForwardStep(context: StageContext, y_BTC: string): ProgramStep {
  const { B, T, C, V } = context.sizes;
  return {
    kernel: 'embedding_forward',
    dims: { B, T, C, V },
    tensors: { tokens_BT: declareTokens(context), wte_VC: TOKEN_EMBEDDING, wpe_TC: POSITION_EMBEDDING, y_BTC },
  };
}

/** W of the embedding; there is no I, since tokens have no gradient. */
export function embeddingBackwardWeight(context: StageContext, dy_BTC: string): ProgramStep[] {
  const { B, T, C, V } = context.sizes;
  return [
    {
      kernel: 'embedding_backward_token',
      dims: { B, T, C, V, accumulate: 1 },
      tensors: { tokens_BT: declareTokens(context), dy_BTC, dwte_VC: gradientName(TOKEN_EMBEDDING) },
    },
    {
      kernel: 'embedding_backward_position',
      dims: { B, T, C, accumulate: 1 },
      tensors: { dy_BTC, dwpe_TC: gradientName(POSITION_EMBEDDING) },
    },
  ];
}
