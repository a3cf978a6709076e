/**
 * F forward, I backward for the input, W backward for the weights, B = I then W as one unit whose gradient leaves at
 * its end. SEND_F/RECV_F carry activations to the next stage, SEND_B/RECV_B gradients to the previous one.
 * REDUCE (tied gradients and the global norm, a barrier) and STEP (optimizer) end a rank's list once per step.
 */
export const ACTION_KINDS = ['F', 'I', 'W', 'B', 'SEND_F', 'RECV_F', 'SEND_B', 'RECV_B', 'REDUCE', 'STEP'] as const;

export type ActionKind = (typeof ACTION_KINDS)[number];

/** The micro-batch of REDUCE and STEP, which belong to no micro-batch. */
export const NO_MICRO_BATCH = -1;

/** One cell of a schedule. `stage` counts virtual stages 0 .. stages-1; for REDUCE and STEP it is the rank's first. */
export interface Action {
  readonly kind: ActionKind;
  readonly stage: number;
  readonly microBatch: number;
}

export function isCompute(action: Action): boolean {
  return action.kind === 'F' || action.kind === 'I' || action.kind === 'W' || action.kind === 'B';
}
