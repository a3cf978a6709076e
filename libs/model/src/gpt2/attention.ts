import { attentionBackwardSteps, attentionForwardSteps, type ProgramStep } from '@millrace/kernels';
import type { BlockTensors } from './block';
import type { StageContext } from './stage-context';

/** Causal attention of all heads; how many kernels it takes and what they keep is libs/kernels' choice. */
export function attentionForward(context: StageContext, t: BlockTensors): ProgramStep[] {
  const { B, T, H, D } = context.sizes;
  const { steps, tensors } = attentionForwardSteps({ B, T, H, D }, { qkv: t.qkv_N3C, y: t.heads_NC, prefix: `${t.label}.attention` });
  for (const declaration of tensors) context.catalog.add(declaration);
  return [...steps];
}

export function attentionBackward(context: StageContext, t: BlockTensors, dy_NC: string, dqkv_N3C: string): ProgramStep[] {
  const { B, T, H, D } = context.sizes;
  const { steps, tensors } = attentionBackwardSteps(
    { B, T, H, D },
    { dy: dy_NC, qkv: t.qkv_N3C, dqkv: dqkv_N3C, prefix: `${t.label}.attention` },
  );
  for (const declaration of tensors) context.catalog.add(declaration);
  return [...steps];
}
