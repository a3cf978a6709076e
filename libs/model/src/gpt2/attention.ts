import {
  attentionBackwardSteps,
  attentionForwardSteps,
  type AttentionSteps,
  type ProgramStep,
  type TensorRole,
} from '@millrace/kernels';
import type { StageContext } from './stage-context';

/** Tensors of one block's attention. */
export interface AttentionTensors {
  readonly qkv_N3C: string;
  readonly heads_NC: string;
  /** What the forward keeps for the backward; libs/kernels says what and of which shape. */
  readonly attention: string;
  readonly role: TensorRole;
}

function declared({ catalog }: StageContext, { steps, tensors }: AttentionSteps): readonly ProgramStep[] {
  for (const declaration of tensors) catalog.add(declaration);
  return steps;
}

/** Causal attention of all heads; how many kernels it takes is libs/kernels' choice. */
export function attentionForward(context: StageContext, t: AttentionTensors): readonly ProgramStep[] {
  const { B, T, H, D } = context.sizes;
  const names = { qkv: t.qkv_N3C, y: t.heads_NC, saved: t.attention };
  return declared(context, attentionForwardSteps({ B, T, H, D }, names, t.role === 'scratch' ? 'scratch' : 'saved'));
}

export interface AttentionGradients {
  /** Gradient of heads_NC. */
  readonly dy: string;
  /** Gradient of qkv_N3C, written. */
  readonly dqkv: string;
}

export function attentionBackward(
  context: StageContext,
  t: AttentionTensors,
  { dy, dqkv }: AttentionGradients,
): readonly ProgramStep[] {
  const { B, T, H, D } = context.sizes;
  const names = { dy, qkv: t.qkv_N3C, saved: t.attention, dqkv, scratch: 'scratch.attention' };
  return declared(context, attentionBackwardSteps({ B, T, H, D }, names));
}
