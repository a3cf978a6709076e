import type { ProgramStep } from '@millrace/kernels';
import { familyOf } from '../families/families';
import { embeddingSteps } from './embedding';
import { SCRATCH_BLOCK } from './place';
import { residualName, type StageContext } from './stage-context';

/**
 * Forward steps that keep nothing: every block writes the same scratch tensors, and the residual stream alternates
 * between two, and nothing is dropped. Also returns the name of the last residual stream.
 */
export function passingSteps(training: StageContext): { steps: ProgramStep[]; last: string } {
  const context: StageContext = { ...training, dropout: 0 };
  const { slice, catalog, sizes } = context;
  const { block } = familyOf(context.config).programs;
  const end = slice.firstLayer + slice.layerCount;
  const residual = (layer: number): string => {
    if (layer === slice.firstLayer && !slice.embedding) return residualName(layer);
    if (layer === end && !slice.head) return residualName(layer);
    return catalog.declare(`scratch.residual_${layer % 2}_NC`, [sizes.N, sizes.C], 'scratch');
  };
  const steps = slice.embedding ? embeddingSteps(context, residual(slice.firstLayer)) : [];
  for (let layer = slice.firstLayer; layer < end; layer++) {
    const passing = block(context, { layer, places: SCRATCH_BLOCK, x_NC: residual(layer) });
    steps.push(...passing.forward(residual(layer + 1)));
  }
  return { steps, last: residual(end) };
}
