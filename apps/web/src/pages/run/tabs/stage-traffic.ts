import type { RunBody } from '@millrace/contracts';

export interface StageTraffic {
  /** One way of one link, per step: activations one way, gradients the other. */
  readonly bytesPerStep: number;
  /** Of one tensor of one micro-batch. */
  readonly tensorBytes: number;
}

const BYTES_PER_F32 = 4;

/**
 * What crosses one boundary between stages in one direction: a tensor of [micro-batch, context, hidden] in f32 for each
 * micro-batch.
 */
export function stageTraffic({ model, train, parallel }: RunBody['spec']): StageTraffic {
  const tensorBytes = train.batch.micro * model.context * model.hidden * BYTES_PER_F32;
  const microBatches = train.batch.global / (train.batch.micro * parallel.dp);
  return { tensorBytes, bytesPerStep: tensorBytes * microBatches };
}
