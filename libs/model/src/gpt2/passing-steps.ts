import type { ProgramStep } from '@millrace/kernels';
import { blockForward, blockTensors, SCRATCH_BLOCK } from './block';
import { embeddingForwardStep } from './embedding';
import { residualName, type StageContext } from './stage-context';

/**
 * Forward steps that keep nothing: every block writes the same scratch tensors, and the residual stream alternates
 * between two. Also returns the name of the last residual stream.
 */
export function passingSteps(context: StageContext): { steps: ProgramStep[]; last: string } {
  const { slice, catalog, sizes } = context;
  const end = slice.firstLayer + slice.layerCount;
  const residual = (layer: number): string => {
    if (layer === slice.firstLayer && !slice.embedding) return residualName(layer);
    if (layer === end && !slice.head) return residualName(layer);
    return catalog.declare(`scratch.residual_${layer % 2}_NC`, [sizes.N, sizes.C], 'scratch');
  };
  const steps: ProgramStep[] = slice.embedding ? [embeddingForwardStep(context, residual(slice.firstLayer))] : [];
  if (slice.layerCount > 0) {
    const tensors = blockTensors(context, SCRATCH_BLOCK);
    for (let layer = slice.firstLayer; layer < end; layer++) {
      steps.push(...blockForward(context, { layer, tensors, x_NC: residual(layer), y_NC: residual(layer + 1) }));
    }
  }
  return { steps, last: residual(end) };
}
