import { type AttentionSizes, attentionSizes } from '../attention/attention-sizes';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

interface Turn {
  /** [rows, width]: the heads of one position side by side. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Where the heads begin in a row, and how long a row is, in x and in y. */
  readonly from: readonly [offset: number, stride: number];
  readonly to: readonly [offset: number, stride: number];
  readonly heads: number;
  /** 1 turns forward, -1 back; undefined copies. */
  readonly sign: 1 | -1 | undefined;
}

function turn({ B, T, D }: AttentionSizes, table_TD: Float64Array, { x, y, from, to, heads, sign }: Turn): void {
  const half = D / 2;
  for (let row = 0; row < B * T; row++) {
    for (let column = 0; column < heads * D; column++) {
      const d = column % D;
      const source = row * from[1] + from[0] + column;
      const target = row * to[1] + to[0] + column;
      if (sign === undefined) {
        y[target] = at(x, source);
        continue;
      }
      const angle = (row % T) * D + (d % half);
      const [partner, partnerSign] = d < half ? [at(x, source + half), -sign] : [at(x, source - half), sign];
      y[target] = at(x, source) * at(table_TD, angle) + partnerSign * partner * at(table_TD, angle + half);
    }
  }
}

/** The three groups of heads: offset in a row of qkv and number of heads. */
function parts({ H, G, D }: AttentionSizes): readonly (readonly [offset: number, heads: number])[] {
  return [
    [0, H],
    [H * D, G],
    [(H + G) * D, G],
  ];
}

/** Twin of rope_forward. Shapes: q[B,T,H,D] k[B,T,G,D] v[B,T,G,D] table[T,D] -> qkv[B,T,(H+2G)D]. */
export function ropeForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const width = (sizes.H + 2 * sizes.G) * sizes.D;
  const y = doubles(tensors, 'qkv_BTE');
  const names = ['q_BTHD', 'k_BTGD', 'v_BTGD'] as const;
  for (const [index, [offset, heads]] of parts(sizes).entries()) {
    const x = doubles(tensors, names[index] as string);
    const sign = index === 2 ? undefined : 1;
    turn(sizes, doubles(tensors, 'table_TD'), { x, y, from: [0, heads * sizes.D], to: [offset, width], heads, sign });
  }
}

/** Twin of rope_backward. Shapes: dqkv[B,T,(H+2G)D] table[T,D] -> dq[B,T,H,D] dk[B,T,G,D] dv[B,T,G,D]. */
export function ropeBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const width = (sizes.H + 2 * sizes.G) * sizes.D;
  const x = doubles(tensors, 'dqkv_BTE');
  const names = ['dq_BTHD', 'dk_BTGD', 'dv_BTGD'] as const;
  for (const [index, [offset, heads]] of parts(sizes).entries()) {
    const y = doubles(tensors, names[index] as string);
    const sign = index === 2 ? undefined : -1;
    turn(sizes, doubles(tensors, 'table_TD'), { x, y, from: [offset, width], to: [0, heads * sizes.D], heads, sign });
  }
}
