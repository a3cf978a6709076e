import type { RunSpec } from '../run-spec';

type Precise = Pick<RunSpec, 'train' | 'parallel'>;

/** How a run computes and how values cross between its stages, as the programs of a stage take it. */
export interface RunFormats {
  readonly precision: RunSpec['train']['precision'];
  /** `f16` rounds what is computed in f32 between stages. What is computed in f16 crosses as it is. */
  readonly wire: RunSpec['parallel']['wire'];
}

export function formatsOf({ train, parallel }: Precise): RunFormats {
  const { precision } = train;
  return { precision, wire: precision === 'f32' && parallel.pp > 1 ? parallel.wire : 'f32' };
}

/**
 * Whether gradients are scaled, because f16 would lose small ones, be it in memory or between stages. Steps whose
 * gradients overflow are then skipped.
 */
export function isLossScaled(spec: Precise): boolean {
  const { precision, wire } = formatsOf(spec);
  return precision === 'f16' || wire === 'f16';
}

/** What a device needs for a run, by the names of WebGPU's features. */
export function neededFeatures({ train }: Pick<RunSpec, 'train'>): { feature: string; by: string }[] {
  return train.precision === 'f16' ? [{ feature: 'shader-f16', by: 'train.precision f16' }] : [];
}

/** What the settings of a run give up, in sentences. */
export function planNotes(spec: Precise): string[] {
  if (formatsOf(spec).wire === 'f32') return [];
  return [
    'parallel.wire f16 rounds activations and their gradients between stages: losses and weights depend on how many ' +
      'stages there are and where they begin. Set it to f32 for the same bits with every split.',
  ];
}
