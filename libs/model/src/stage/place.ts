import type { TensorRole } from '@millrace/kernels';

/** Where tensors are: their name, or the beginning of the names of a group, and their role. */
export interface Place {
  readonly label: string;
  readonly role: TensorRole;
}

/** All programs of a stage share it, and none keeps it. */
export const SCRATCH: Place = { label: 'scratch', role: 'scratch' };

/** Where the tensors of a block's forward are, by who reads them. */
export interface BlockPlaces {
  /** Tensors that W reads, most of which I reads too. */
  readonly weight: Place;
  /** Outputs of the norms and of the activation, which W reads and which follow from the tensors in other places. */
  readonly derived: Place;
  /** Tensors that only I reads: queries, keys and values, and the input of the feed-forward layer's activation. */
  readonly input: Place;
  /** One number for each row and head of the attention, which only I reads. */
  readonly attention: Place;
  /** The beginning of the names of the gradients that I leaves for W. */
  readonly gradients: string;
}

/** Nothing is kept: all blocks of a stage write the same tensors. */
export const SCRATCH_BLOCK: BlockPlaces = {
  weight: SCRATCH,
  derived: SCRATCH,
  input: SCRATCH,
  attention: { label: 'scratch.attention', role: 'scratch' },
  gradients: SCRATCH.label,
};

/** Everything is kept from F to W. */
export function keptBlock(label: string): BlockPlaces {
  const place: Place = { label, role: 'saved' };
  return {
    weight: place,
    derived: place,
    input: place,
    attention: { label: `${label}.attention`, role: 'saved' },
    gradients: label,
  };
}

/** I computes the tensors again: what W reads is kept until W, the rest until the end of I's run. */
export function recomputedBlock(label: string): BlockPlaces {
  const deferred: Place = { label, role: 'deferred' };
  return { ...SCRATCH_BLOCK, weight: deferred, derived: deferred, gradients: label };
}
