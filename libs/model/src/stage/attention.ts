import {
  attentionBackwardSteps,
  attentionForwardSteps,
  type AttentionSteps,
  type ProgramStep,
} from '@millrace/kernels';
import { type Place, SCRATCH_BLOCK } from './place';
import type { StageContext } from './stage-context';

/** Tensors of one block's attention. */
export interface AttentionTensors {
  readonly qkv_NE: string;
  readonly heads_NA: string;
  /** What the backward needs of the forward besides these; libs/kernels decides what it is and which shape it has. */
  readonly attention: Place;
}

/** Two tensors of a number for each row and head, which the programs of a stage share. */
const SCRATCH = SCRATCH_BLOCK.attention.label;
const SCRATCH_GRADIENT = `${SCRATCH}.grad`;

function declared({ catalog }: StageContext, { steps, tensors }: AttentionSteps): readonly ProgramStep[] {
  for (const declaration of tensors) catalog.add(declaration);
  return steps;
}

/** Causal attention of all heads; libs/kernels decides how many kernels it takes. */
export function attentionForward(context: StageContext, t: AttentionTensors): readonly ProgramStep[] {
  const { B, T, H, G, D } = context.sizes;
  const names = { qkv: t.qkv_NE, y: t.heads_NA, saved: t.attention.label };
  const role = t.attention.role === 'saved' ? 'saved' : 'scratch';
  return declared(context, attentionForwardSteps({ B, T, H, G, D }, names, role));
}

export interface AttentionGradients {
  /** Gradient of heads_NA. */
  readonly dy: string;
  /** The gradient of qkv_NE, which is written. */
  readonly dqkv: string;
}

export function attentionBackward(
  context: StageContext,
  t: AttentionTensors,
  { dy, dqkv }: AttentionGradients,
): readonly ProgramStep[] {
  const { B, T, H, G, D } = context.sizes;
  // If what the forward saves is kept, the scratch that it would be in is free.
  const scratch = t.attention.label === SCRATCH ? SCRATCH_GRADIENT : SCRATCH;
  const names = { dy, qkv: t.qkv_NE, y: t.heads_NA, saved: t.attention.label, dqkv, scratch };
  return declared(context, attentionBackwardSteps({ B, T, H, G, D }, names));
}
