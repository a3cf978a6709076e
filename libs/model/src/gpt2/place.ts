import type { TensorRole } from '@millrace/kernels';

/** Where tensors live: their name, or what the names of a group begin with, and their role. */
export interface Place {
  readonly label: string;
  readonly role: TensorRole;
}

/** Shared by all programs of a stage, kept by none. */
export const SCRATCH: Place = { label: 'scratch', role: 'scratch' };
