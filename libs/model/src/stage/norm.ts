import type { ProgramStep } from '@millrace/kernels';

export interface NormInputGradient {
  readonly x_NC: string;
  readonly dy_NC: string;
  /** The gradient that reaches x past the norm, which is added. */
  readonly residual_NC?: string;
  readonly dx_NC: string;
}

/** A norm over the rows of a tensor, with the tensors that its forward writes. */
export interface Norm {
  /** The normalised rows. */
  readonly y_NC: string;
  forward(x_NC: string): ProgramStep;
  backwardInput(gradient: NormInputGradient): ProgramStep;
  /** Adds the gradients of the norm's parameters to what is there. */
  backwardWeight(gradient: Pick<NormInputGradient, 'x_NC' | 'dy_NC'>): ProgramStep;
}
