import type { ProgramStep } from '@millrace/kernels';
import { gradientName, type StageContext } from '../stage/stage-context';

/** Adds the gradients of the tokens' rows to that of the embedding's table, which is called `weight`. */
export function tokenGradient(
  { sizes: { B, T, C, V } }: StageContext,
  { tokens_BT, dy_BTC, weight }: { tokens_BT: string; dy_BTC: string; weight: string },
): ProgramStep {
  return {
    kernel: 'embedding_backward_token',
    dims: { B, T, C, V, accumulate: 1 },
    tensors: { tokens_BT, dy_BTC, dwte_VC: gradientName(weight) },
  };
}
