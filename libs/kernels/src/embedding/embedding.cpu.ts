import { dimension, flag, position } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, integers, type TwinTensors } from '../twin-arrays';

/** The row of each token in a table that begins with the token `first`; -1 for tokens that it does not have. */
function tableRows(dims: Dims, tensors: TwinTensors): Int32Array {
  const V = dimension(dims, 'V');
  const first = position(dims, 'first');
  const tokens_BT = integers(tensors, 'tokens_BT');
  const rows_BT = new Int32Array(dimension(dims, 'B') * dimension(dims, 'T'));
  return rows_BT.map((_, index) => {
    const row = at(tokens_BT, index) - first;
    return row >= 0 && row < V ? row : -1;
  });
}

/** Twin of embedding_forward. Shapes: tokens[B,T] wte[V,C] wpe[T,C] -> y[B,T,C]. */
export function embeddingForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const T = dimension(dims, 'T');
  const C = dimension(dims, 'C');
  const wte_VC = doubles(tensors, 'wte_VC');
  const wpe_TC = doubles(tensors, 'wpe_TC');
  const y_BTC = doubles(tensors, 'y_BTC');
  tableRows(dims, tensors).forEach((tableRow, row) => {
    if (tableRow < 0) return;
    for (let i = 0; i < C; i++) {
      y_BTC[row * C + i] = at(wte_VC, tableRow * C + i) + at(wpe_TC, (row % T) * C + i);
    }
  });
}

/** Twin of embedding_forward_token. Shapes: tokens[B,T] wte[V,C] -> y[B,T,C]. */
export function embeddingForwardTokenTwin(dims: Dims, tensors: TwinTensors): void {
  const C = dimension(dims, 'C');
  const wte_VC = doubles(tensors, 'wte_VC');
  const y_BTC = doubles(tensors, 'y_BTC');
  tableRows(dims, tensors).forEach((tableRow, row) => {
    if (tableRow < 0) return;
    for (let i = 0; i < C; i++) y_BTC[row * C + i] = at(wte_VC, tableRow * C + i);
  });
}

/** Twin of token_order. Shapes: tokens[N] -> order[N]. */
export function tokenOrderTwin(_dims: Dims, tensors: TwinTensors): void {
  integers(tensors, 'order_N').set(tokenOrderOf(integers(tensors, 'tokens_N')));
}

/** All positions, sorted by token, those of one token in ascending position. */
export function tokenOrderOf(tokens_N: Uint32Array): Uint32Array {
  const token = (position: number): number => at(tokens_N, position);
  return Uint32Array.from(tokens_N.keys()).sort((a, b) => token(a) - token(b) || a - b);
}

/**
 * Twin of embedding_backward_token. Shapes: tokens[N] dy[B,T,C] -> dwte[V,C]. It reads no order: rows are added in
 * ascending position whatever it is.
 */
export function embeddingBackwardTokenTwin(dims: Dims, tensors: TwinTensors): void {
  const C = dimension(dims, 'C');
  const V = dimension(dims, 'V');
  const first = position(dims, 'first');
  const firstRow = position(dims, 'firstRow');
  const tokens_N = integers(tensors, 'tokens_N');
  const dy_BTC = doubles(tensors, 'dy_BTC');
  const dwte_VC = doubles(tensors, 'dwte_VC');
  if (flag(dims, 'accumulate') === 0) dwte_VC.fill(0);
  for (let row = 0; row < dimension(dims, 'B') * dimension(dims, 'T'); row++) {
    const tableRow = at(tokens_N, firstRow + row) - first;
    if (tableRow < 0 || tableRow >= V) continue;
    const start = tableRow * C;
    for (let i = 0; i < C; i++) dwte_VC[start + i] = at(dwte_VC, start + i) + at(dy_BTC, row * C + i);
  }
}

/** Twin of embedding_backward_position. Shapes: dy[B,T,C] -> dwpe[T,C]. */
export function embeddingBackwardPositionTwin(dims: Dims, tensors: TwinTensors): void {
  const size = dimension(dims, 'T') * dimension(dims, 'C');
  const dy_BTC = doubles(tensors, 'dy_BTC');
  const dwpe_TC = doubles(tensors, 'dwpe_TC');
  for (let index = 0; index < size; index++) {
    let sum = 0;
    for (let b = 0; b < dimension(dims, 'B'); b++) sum += at(dy_BTC, b * size + index);
    dwpe_TC[index] = flag(dims, 'accumulate') === 1 ? sum + at(dwpe_TC, index) : sum;
  }
}
