/**
 * Why a rank's host waits. input, gradient: for a tensor of a neighbour; tied: for the other end's gradient of a tied
 * embedding; commit: for the agreement at the end of a step (rank 0 waits for norms, the others for its decision);
 * send: until what was sent is on its way; evaluation: for a neighbour in a validation pass.
 */
export const WAIT_CAUSES = ['input', 'gradient', 'tied', 'commit', 'send', 'evaluation'] as const;
export type WaitCause = (typeof WAIT_CAUSES)[number];

const OTHER_CAUSES = [
  'evaluation',
  'optimizer',
  'send',
  'receive',
  'wait-input',
  'wait-gradient',
  'wait-tied',
  'wait-commit',
  'wait-send',
  'wait-evaluation',
] as const;

/**
 * What a span of a timeline shows. compute: F, I, W on the device; evaluation: a validation pass on it; optimizer:
 * REDUCE and STEP on it; send: a tensor's readback and its way until the receiver had room; receive: from the arrival
 * of the frame until its values are on the device.
 */
export const SPAN_CAUSES = ['compute', ...OTHER_CAUSES] as const;
export type SpanCause = (typeof SPAN_CAUSES)[number];

/** The kind of a span as it is shown, for which a compute span tells which of the three actions it was. */
export const SPAN_KINDS = ['F', 'I', 'W', ...OTHER_CAUSES] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];
