import { type AttentionSizes, attentionSizes } from '../attention/attention-sizes';
import { input, output } from '../binding';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { ropeBackwardTwin, ropeForwardTwin } from './rope.cpu';

/** Of q, k and v together. */
function elements({ B, T, H, G, D }: AttentionSizes): number {
  return B * T * (H + 2 * G) * D;
}

function perElement(wgsl: string): (dims: Dims, target: KernelTarget) => KernelVariant {
  return (dims, target) => {
    const sizes = attentionSizes(dims);
    const { B, T, H, G, D } = sizes;
    return perItem({ wgsl, overrides: { B, T, H, G, D } }, elements(sizes), target);
  };
}

function flops(dims: Dims): number {
  const { B, T, H, G, D } = attentionSizes(dims);
  return 3 * B * T * (H + G) * D;
}

function bytes(dims: Dims): number {
  const sizes = attentionSizes(dims);
  return 4 * (2 * elements(sizes) + sizes.T * sizes.D);
}

/** Turns q and k and puts them and v side by side, as attention reads them. Dims B, T, H, G, D; D is even. */
export const ropeForward: Kernel = {
  name: 'rope_forward',
  bindings: [input('q_BTHD'), input('k_BTGD'), input('v_BTGD'), input('table_TD'), output('qkv_BTE')],
  variant: perElement('rope_forward'),
  reference: perElement('rope_forward'),
  flops,
  bytes,
  cuts: [{ axis: 'B' }],
  cpu: ropeForwardTwin,
};

/** The transpose of rope_forward. Dims B, T, H, G, D; D is even. */
export const ropeBackward: Kernel = {
  name: 'rope_backward',
  bindings: [input('dqkv_BTE'), input('table_TD'), output('dq_BTHD'), output('dk_BTGD'), output('dv_BTGD')],
  variant: perElement('rope_backward'),
  reference: perElement('rope_backward'),
  flops,
  bytes,
  cuts: [{ axis: 'B' }],
  cpu: ropeBackwardTwin,
};
