import type { ProgramStep } from '@millrace/kernels';
import type { BlockPlaces } from './place';

export interface BlockRequest {
  readonly layer: number;
  /** Where the tensors are that F writes, or that I computes again. */
  readonly places: BlockPlaces;
  /** Residual stream before the block. */
  readonly x_NC: string;
}

/** Gradients of the residual stream after and before a block. */
export interface BlockGradients {
  readonly dy_NC: string;
  readonly dx_NC: string;
}

/** The parts of a block's programs, on tensors that are in one set of places. */
export interface BlockSteps {
  /** F: writes y_NC, the residual stream after the block. */
  forward(y_NC: string): ProgramStep[];
  /** What runs before I if F kept nothing of the block: the same kernels and shapes, up to what I and W read. */
  recompute(): ProgramStep[];
  /** What runs before W if F kept everything but the outputs of norms and activation. */
  recomputeDerived(): ProgramStep[];
  /** I: computes dx_NC from dy_NC, and what it leaves for W. */
  backwardInput(gradients: BlockGradients): ProgramStep[];
  /** W: adds the gradients of the block's parameters to what is there. */
  backwardWeight(gradients: BlockGradients): ProgramStep[];
}
