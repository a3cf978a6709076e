import { WAIT_CAUSES, type WaitCause } from './api/span-causes';

/** A validation pass lies between steps: its waits are in the timeline, but not in a step's accounts. */
export const STEP_WAIT_CAUSES = WAIT_CAUSES.filter((cause) => cause !== 'evaluation');

const WAIT_TEXT: Record<WaitCause, string> = {
  input: 'for activations of the stage before',
  gradient: 'for gradients of the stage behind',
  tied: "for the other end's gradient of a tied embedding",
  commit: 'for the agreement at the end of the step',
  send: 'until what it had sent was on its way',
  evaluation: 'for a neighbour in a validation pass',
};

/**
 * Every metric of a run and the meaning of its points. There is one point per step; `val/loss` has one at evaluated
 * steps only, and `train/loss_scale` none where gradients are not scaled. In the pipeline metrics, the time of a step
 * is a rank's own time from the step's beginning to its update, without REDUCE and STEP; computing means F, I and W on
 * the device.
 */
export const METRICS: Readonly<Record<string, string>> = {
  'train/loss': 'token-weighted mean loss of the step, before its update',
  'train/grad_norm': 'global gradient norm before clipping; none for a step that is skipped because it overflows',
  'train/lr': 'learning rate of the step',
  'train/loss_scale': 'what gradients were multiplied by, where half precision needs it',
  'train/tokens_per_second': 'tokens of the step by its duration at the head',
  'val/loss': 'token-weighted mean loss of the validation batches, with the weights after the step',
  'pipeline/bubble_ratio': "bubble of total: the ranks' idle time / their time of the step",
  'pipeline/bubble_ratio_ideal': "bubble of ideal: the ranks' idle time / the time in which they computed",
  'pipeline/sent_bytes': 'bytes that the ranks sent each other in the step, as they counted them, all together',
  'pipeline/wait_seconds': 'seconds in which a rank waited and its device had nothing to do, mean over the ranks',
  ...Object.fromEntries(
    STEP_WAIT_CAUSES.map((cause) => [`pipeline/wait_seconds/${cause}`, `of these, ${WAIT_TEXT[cause]}`]),
  ),
};
