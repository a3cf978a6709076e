import type { AttemptPlan, GeneratePlan } from '@millrace/contracts';
import type { ModelConfig } from '@millrace/core';
import { allParameters } from '@millrace/model';
import { FRAME_DTYPE_BYTES, type FrameBounds } from '../data-plane/frame';

/** Between CPU twins values travel as doubles. Other backends send half of that, which this bound covers. */
const VALUE_BYTES = FRAME_DTYPE_BYTES.f64;
/** Decisions and accounts are a few hundred bytes of JSON. */
const TEXT_BYTES = 64 * 1024;
/** Behind its norms the last stage sends two more values: the loss and the number of its tokens. */
const LOSS_VALUES = 2;

/** The size of the largest frame of each kind that a peer of this attempt can have reason to send. */
export function attemptFrameBounds({ model, spec }: Pick<AttemptPlan, 'model' | 'spec'>): FrameBounds {
  const hidden = hiddenBytes(model, spec.train.batch.micro);
  return {
    activation: hidden,
    gradient: hidden,
    evaluation: hidden,
    tied: model.tieEmbeddings ? model.vocab * model.hidden * VALUE_BYTES : 0,
    norm: (allParameters(model).length + LOSS_VALUES) * VALUE_BYTES,
    commit: TEXT_BYTES,
    account: TEXT_BYTES,
    token: 0,
  };
}

export function generationFrameBounds({ model }: Pick<GeneratePlan, 'model'>): FrameBounds {
  const none = { gradient: 0, evaluation: 0, tied: 0, norm: 0, commit: 0, account: 0 };
  return { ...none, activation: hiddenBytes(model, 1), token: FRAME_DTYPE_BYTES.u32 };
}

function hiddenBytes({ context, hidden }: ModelConfig, sequences: number): number {
  return sequences * context * hidden * VALUE_BYTES;
}
