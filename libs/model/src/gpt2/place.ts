import type { TensorRole } from '@millrace/kernels';

/** Where tensors are: their name, or the beginning of the names of a group, and their role. */
export interface Place {
  readonly label: string;
  readonly role: TensorRole;
}

/** All programs of a stage share it, and none keeps it. */
export const SCRATCH: Place = { label: 'scratch', role: 'scratch' };
