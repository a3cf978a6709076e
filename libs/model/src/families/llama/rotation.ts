import type { ProgramStep } from '@millrace/kernels';
import type { StageContext } from '../../stage/stage-context';

/** Queries [N,A], keys and values [N,G*D], or their gradients. */
export interface Heads {
  readonly query: string;
  readonly key: string;
  readonly value: string;
}

/** Hugging Face's `rope_theta`. */
const THETA = 10_000;

/** Cosines and sines of every position, which all blocks of a stage share. */
function rotaryTable({ catalog, config, sizes: { T, D } }: StageContext): string {
  const { ropeTheta: theta = THETA, ropeScaling: scaling } = config;
  const rotary = { headSize: D, theta, ...(scaling === undefined ? {} : { scaling }) };
  return catalog.add({ name: 'rotary_TD', shape: [T, D], dtype: 'f32', role: 'constant', content: { rotary } });
}

/** Turns queries and keys by their positions, and puts them and the values side by side. */
export function rotate(context: StageContext, { query, key, value }: Heads, qkv_BTE: string): ProgramStep {
  const { B, T, H, G, D } = context.sizes;
  return {
    kernel: 'rope_forward',
    dims: { B, T, H, G, D },
    tensors: { q_BTHD: query, k_BTGD: key, v_BTGD: value, table_TD: rotaryTable(context), qkv_BTE },
  };
}

/** Computes the gradients of what `rotate` read from the gradient of qkv. */
export function rotateBack(context: StageContext, dqkv_BTE: string, { query, key, value }: Heads): ProgramStep {
  const { B, T, H, G, D } = context.sizes;
  return {
    kernel: 'rope_backward',
    dims: { B, T, H, G, D },
    tensors: { dqkv_BTE, table_TD: rotaryTable(context), dq_BTHD: query, dk_BTGD: key, dv_BTGD: value },
  };
}
