import type { RunSpec } from '../run-spec';

/** Whether gradients are scaled, because f16 would lose small ones: steps whose gradients overflow are skipped. */
export function isLossScaled({ train }: Pick<RunSpec, 'train'>): boolean {
  return train.precision === 'f16';
}
