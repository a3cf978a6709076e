/**
 * F forward, I backward for the input, W backward for the weights, B = I then W as one unit whose gradient leaves at
 * its end. SEND_F/RECV_F carry activations to the next stage, SEND_B/RECV_B gradients to the previous one; LOCAL_F and
 * LOCAL_B do the same between two stages of one rank, and carry the stage that gives. REDUCE (tied gradients and the
 * global norm, a barrier) and STEP (optimizer) end a rank's list once per step; where a schedule does not flush, STEP
 * carries the last micro-batch of its update.
 */
export const ACTION_KINDS = [
  ...(['F', 'I', 'W', 'B'] as const),
  ...(['SEND_F', 'RECV_F', 'SEND_B', 'RECV_B', 'LOCAL_F', 'LOCAL_B'] as const),
  ...(['REDUCE', 'STEP'] as const),
] as const;

export type ActionKind = (typeof ACTION_KINDS)[number];

/** The micro-batch of a REDUCE or STEP that ends a whole step. */
export const NO_MICRO_BATCH = -1;

/** One cell of a schedule. `stage` counts virtual stages 0 .. stages-1; for REDUCE and STEP it is the rank's first. */
export interface Action {
  readonly kind: ActionKind;
  readonly stage: number;
  readonly microBatch: number;
  /** On an F: the B directly after it that it overlaps. The two count as one action, [F+B], of length F + B. */
  readonly overlaps?: Action;
}

export function isCompute(action: Action): boolean {
  return action.kind === 'F' || action.kind === 'I' || action.kind === 'W' || action.kind === 'B';
}
