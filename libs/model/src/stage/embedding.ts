import type { ProgramStep } from '@millrace/kernels';
import { familyOf } from '../families/families';
import { branchGradient, dropoutStep } from './dropout';
import type { StageContext } from './stage-context';
import { declareTokens } from './tokens';

/** F of the embedding: writes y_NC, the residual stream before the first block. */
export function embeddingSteps(context: StageContext, y_NC: string): ProgramStep[] {
  const { catalog, sizes, config, dropout } = context;
  const { programs } = familyOf(config);
  const tokens_BT = declareTokens(context);
  if (dropout === 0) return [programs.embeddingForward(context, { tokens_BT, y_BTC: y_NC })];
  const embedded_NC = catalog.declare('scratch.branch_NC', [sizes.N, sizes.C], 'scratch');
  return [
    programs.embeddingForward(context, { tokens_BT, y_BTC: embedded_NC }),
    dropoutStep(context, 'embedding', { x: embedded_NC, y: y_NC }),
  ];
}

/** W of the embedding, from the gradient of y_NC. */
export function embeddingGradientSteps(context: StageContext, dy_NC: string): ProgramStep[] {
  const { steps, dbranch } = branchGradient(context, 'embedding', dy_NC);
  const tensors = { tokens_BT: declareTokens(context), dy_BTC: dbranch };
  return [...steps, ...familyOf(context.config).programs.embeddingBackwardWeight(context, tensors)];
}
