import type { StageContext } from './stage-context';

export const TOKENS = 'tokens_BT';

/** The token ids of a micro-batch, which the stage with the embedding is given. */
export function declareTokens({ catalog, sizes: { B, T } }: StageContext): string {
  return catalog.declareIds(TOKENS, [B, T], 'input');
}
