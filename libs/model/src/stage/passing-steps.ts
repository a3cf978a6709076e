import type { ProgramStep } from '@millrace/kernels';
import { familyOf } from '../families/families';
import { SCRATCH_BLOCK } from './place';
import { residualName, type StageContext } from './stage-context';
import { declareTokens } from './tokens';

/**
 * Forward steps that keep nothing: every block writes the same scratch tensors, and the residual stream alternates
 * between two. Also returns the name of the last residual stream.
 */
export function passingSteps(context: StageContext): { steps: ProgramStep[]; last: string } {
  const { slice, catalog, sizes } = context;
  const { embeddingForward, block } = familyOf(context.config).programs;
  const end = slice.firstLayer + slice.layerCount;
  const residual = (layer: number): string => {
    if (layer === slice.firstLayer && !slice.embedding) return residualName(layer);
    if (layer === end && !slice.head) return residualName(layer);
    return catalog.declare(`scratch.residual_${layer % 2}_NC`, [sizes.N, sizes.C], 'scratch');
  };
  const steps: ProgramStep[] = slice.embedding
    ? [embeddingForward(context, { tokens_BT: declareTokens(context), y_BTC: residual(slice.firstLayer) })]
    : [];
  for (let layer = slice.firstLayer; layer < end; layer++) {
    const passing = block(context, { layer, places: SCRATCH_BLOCK, x_NC: residual(layer) });
    steps.push(...passing.forward(residual(layer + 1)));
  }
  return { steps, last: residual(end) };
}
