import type { ProgramStep } from '@millrace/kernels';
import { familyOf } from '../families/families';
import { embeddingSteps } from './embedding';
import { SCRATCH_BLOCK } from './place';
import { arriving, leaving, type OwnForm } from './crossing';
import { passingResidualName, residualName, type StageContext } from './stage-context';

/**
 * Forward steps that keep nothing: every block writes the same scratch tensors, and the residual stream alternates
 * between two, and nothing is dropped. Also returns the name of the last residual stream.
 */
export function passingSteps(training: StageContext): { steps: ProgramStep[]; last: string } {
  const context: StageContext = { ...training, dropout: 0 };
  const { slice, catalog, sizes } = context;
  const { block } = familyOf(context.config).programs;
  const end = slice.firstLayer + slice.layerCount;
  const passing = (layer: number): OwnForm => ({ name: passingResidualName(layer), role: 'scratch' });
  const entry = slice.embedding
    ? undefined
    : arriving(context, residualName(slice.firstLayer), passing(slice.firstLayer));
  const exit = slice.head ? undefined : leaving(context, residualName(end), passing(end));
  const residual = (layer: number): string => {
    const crossing = (layer === slice.firstLayer ? entry : undefined) ?? (layer === end ? exit : undefined);
    return crossing?.own ?? catalog.declare(passingResidualName(layer), [sizes.N, sizes.C], 'scratch');
  };
  const steps = slice.embedding ? embeddingSteps(context, residual(slice.firstLayer)) : [...(entry?.steps ?? [])];
  for (let layer = slice.firstLayer; layer < end; layer++) {
    const each = block(context, { layer, places: SCRATCH_BLOCK, x_NC: residual(layer) });
    steps.push(...each.forward(residual(layer + 1)));
  }
  steps.push(...(exit?.steps ?? []));
  return { steps, last: residual(end) };
}
