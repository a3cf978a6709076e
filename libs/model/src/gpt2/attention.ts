import {
  attentionBackwardSteps,
  attentionForwardSteps,
  attentionRecomputeSteps,
  type AttentionSteps,
  type ProgramStep,
} from '@millrace/kernels';
import type { Place } from './place';
import type { StageContext } from './stage-context';

/** Tensors of one block's attention. */
export interface AttentionTensors {
  readonly qkv_N3C: string;
  readonly heads_NC: string;
  /** What the backward needs of the forward besides these; libs/kernels decides what it is and which shape it has. */
  readonly attention: Place;
}

/** Two squares [B,H,T,T] that the programs of a stage share. */
const SCRATCH = 'scratch.attention';
const SCRATCH_GRADIENT = 'scratch.attention.grad';

/** Where attention writes what nobody keeps. */
export const SCRATCH_ATTENTION: Place = { label: SCRATCH, role: 'scratch' };

function declared({ catalog }: StageContext, { steps, tensors }: AttentionSteps): readonly ProgramStep[] {
  for (const declaration of tensors) catalog.add(declaration);
  return steps;
}

/** Causal attention of all heads; libs/kernels decides how many kernels it takes. */
export function attentionForward(context: StageContext, t: AttentionTensors): readonly ProgramStep[] {
  const { B, T, H, D } = context.sizes;
  const names = { qkv: t.qkv_N3C, y: t.heads_NC, saved: t.attention.label };
  const role = t.attention.role === 'saved' ? 'saved' : 'scratch';
  return declared(context, attentionForwardSteps({ B, T, H, D }, names, role));
}

/** Computes again what a forward that wrote to scratch did not keep of its attention. */
export function attentionRecompute(context: StageContext, t: AttentionTensors): readonly ProgramStep[] {
  const { B, T, H, D } = context.sizes;
  return declared(context, attentionRecomputeSteps({ B, T, H, D }, { qkv: t.qkv_N3C, saved: t.attention.label }));
}

export interface AttentionGradients {
  /** Gradient of heads_NC. */
  readonly dy: string;
  /** The gradient of qkv_N3C, which is written. */
  readonly dqkv: string;
}

export function attentionBackward(
  context: StageContext,
  t: AttentionTensors,
  { dy, dqkv }: AttentionGradients,
): readonly ProgramStep[] {
  const { B, T, H, D } = context.sizes;
  // If the probabilities are kept, the scratch square is free for their gradient.
  const scratch = t.attention.label === SCRATCH ? SCRATCH_GRADIENT : SCRATCH;
  const names = { dy, qkv: t.qkv_N3C, saved: t.attention.label, dqkv, scratch };
  return declared(context, attentionBackwardSteps({ B, T, H, D }, names));
}
