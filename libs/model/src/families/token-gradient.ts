import type { ProgramStep } from '@millrace/kernels';
import { gradientName, type StageContext } from '../stage/stage-context';

/**
 * Adds the gradients of the tokens' rows to that of the embedding's table, which is called `weight`. The positions are
 * sorted by token first: each row of the table then finds its own (docs/decisions/0118-buckets-of-tokens.md).
 */
export function tokenGradient(
  { sizes: { B, T, N, C, V }, catalog }: StageContext,
  { tokens_BT, dy_BTC, weight }: { tokens_BT: string; dy_BTC: string; weight: string },
): ProgramStep[] {
  const order_N = catalog.declareIds('scratch.token_order_N', [N], 'scratch');
  return [
    { kernel: 'token_order', dims: { N }, tensors: { tokens_N: tokens_BT, order_N } },
    {
      kernel: 'embedding_backward_token',
      dims: { B, T, N, C, V, accumulate: 1 },
      tensors: { tokens_N: tokens_BT, order_N, dy_BTC, dwte_VC: gradientName(weight) },
    },
  ];
}
