import { tensorOf } from '@millrace/tensor';
import { describe, expect, it } from 'vitest';
import {
  attentionBackwardSteps,
  attentionForwardSteps,
  KERNELS,
  naiveAttentionSteps,
  type Operation,
  type TwinArray,
} from '.';
import { rotaryTable } from './rope/rotary-table';

type Tensors = Record<string, Float64Array>;

/** Deterministic values in [-1, 1), different for every seed. */
function values(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, index) => Math.sin(12.9898 * (index + 1) + 78.233 * seed));
}

/** Runs operations on the twins; `tensors` by tensor name. */
function run(operations: readonly Operation[], tensors: Record<string, TwinArray>): void {
  for (const { kernel, dims, tensors: names } of operations) {
    const bound = Object.entries(names).map(([binding, ref]) => [
      binding,
      tensors[tensorOf(ref)] ?? new Float64Array(),
    ]);
    KERNELS[kernel].cpu(dims, Object.fromEntries(bound) as Record<string, TwinArray>);
  }
}

interface Pair {
  /** `forward` computes tensor y from the others; `backward` their gradients from dy. */
  readonly forward: readonly Operation[];
  readonly backward: readonly Operation[];
  readonly sizes: Readonly<Record<string, number>>;
  /** Input name -> gradient name. */
  readonly gradients: Readonly<Record<string, string>>;
  /** What has no gradient. */
  readonly given?: Readonly<Record<string, TwinArray>>;
}

function fresh(pair: Pair): Record<string, TwinArray> {
  const arrays: Tensors = {};
  Object.entries(pair.sizes).forEach(([name, size], index) => {
    arrays[name] = name in pair.gradients || name === 'dy' ? values(size, index) : new Float64Array(size);
  });
  return { ...arrays, ...pair.given };
}

/** Σ y dy of the forward, with one entry of one input moved by `shift`. */
function objective(pair: Pair, input: string, moved: { index: number; shift: number }): number {
  const tensors = fresh(pair);
  const array = tensors[input] as Float64Array;
  array[moved.index] = (array[moved.index] ?? 0) + moved.shift;
  run(pair.forward, tensors);
  const dy = tensors['dy'] as Float64Array;
  return (tensors['y'] as Float64Array).reduce((sum, y, index) => sum + y * (dy[index] ?? 0), 0);
}

function expectGradientsMatch(pair: Pair): void {
  const tensors = fresh(pair);
  run(pair.forward, tensors);
  run(pair.backward, tensors);
  const step = 1e-5;
  for (const [input, gradient] of Object.entries(pair.gradients)) {
    (tensors[gradient] as Float64Array).forEach((actual, index) => {
      const above = objective(pair, input, { index, shift: step });
      const below = objective(pair, input, { index, shift: -step });
      expect(actual, `${gradient}[${index}]`).toBeCloseTo((above - below) / (2 * step), 6);
    });
  }
}

describe('twins of the backward kernels agree with central differences of the forward ones', () => {
  it('matmul, its bias and residual', () => {
    const [M, K, N] = [3, 5, 4];
    const names = { a_MK: 'a', b_KN: 'b', bias_N: 'bias', residual_MN: 'residual', c_MN: 'y' };
    expectGradientsMatch({
      sizes: {
        a: M * K,
        b: K * N,
        bias: N,
        residual: M * N,
        dy: M * N,
        y: M * N,
        da: M * K,
        db: K * N,
        dbias: N,
        da_twice: M * K,
      },
      forward: [{ kernel: 'matmul_nn', dims: { M, K, N, bias: 1, residual: 1 }, tensors: names }],
      backward: [
        {
          kernel: 'matmul_nt',
          dims: { M, K: N, N: K },
          tensors: { a_MK: 'dy', b_NK: 'b', residual_MN: 'dy', c_MN: 'da' },
        },
        { kernel: 'matmul_tn', dims: { M: K, K: M, N }, tensors: { a_KM: 'a', b_KN: 'dy', c_MN: 'db' } },
        { kernel: 'bias_backward', dims: { N: M, C: N }, tensors: { dy_NC: 'dy', db_C: 'dbias' } },
      ],
      gradients: { a: 'da', b: 'db', bias: 'dbias', residual: 'dy' },
    });
  });

  it('layernorm', () => {
    const dims = { N: 3, C: 7, eps: 1e-5 };
    const kept = { x_NC: 'x', mean_N: 'mean', rstd_N: 'rstd' };
    expectGradientsMatch({
      sizes: { x: 21, weight: 7, bias: 7, dy: 21, y: 21, mean: 3, rstd: 3, dx: 21, dweight: 7, dbias: 7 },
      forward: [
        { kernel: 'layernorm_forward', dims, tensors: { ...kept, weight_C: 'weight', bias_C: 'bias', y_NC: 'y' } },
      ],
      backward: [
        {
          kernel: 'layernorm_backward_input',
          dims,
          tensors: { ...kept, dy_NC: 'dy', weight_C: 'weight', residual_NC: 'dy', dx_NC: 'dx' },
        },
        {
          kernel: 'layernorm_backward_weight',
          dims,
          tensors: { ...kept, dy_NC: 'dy', dweight_C: 'dweight', dbias_C: 'dbias' },
        },
      ],
      gradients: { x: 'dx', weight: 'dweight', bias: 'dbias' },
    });
  });

  it('rmsnorm', () => {
    const dims = { N: 3, C: 7, eps: 1e-2 };
    const kept = { x_NC: 'x', rstd_N: 'rstd' };
    expectGradientsMatch({
      sizes: { x: 21, weight: 7, dy: 21, y: 21, rstd: 3, dx: 21, dweight: 7 },
      forward: [{ kernel: 'rmsnorm_forward', dims, tensors: { ...kept, weight_C: 'weight', y_NC: 'y' } }],
      backward: [
        {
          kernel: 'rmsnorm_backward_input',
          dims,
          tensors: { ...kept, dy_NC: 'dy', weight_C: 'weight', residual_NC: 'dy', dx_NC: 'dx' },
        },
        { kernel: 'rmsnorm_backward_weight', dims, tensors: { ...kept, dy_NC: 'dy', dweight_C: 'dweight' } },
      ],
      gradients: { x: 'dx', weight: 'dweight' },
    });
  });

  it('swiglu', () => {
    const inputs = { gate_L: 'gate', up_L: 'up' };
    expectGradientsMatch({
      sizes: { gate: 13, up: 13, dy: 13, y: 13, dgate: 13, dup: 13 },
      forward: [{ kernel: 'swiglu_forward', dims: { L: 13 }, tensors: { ...inputs, y_L: 'y' } }],
      backward: [
        {
          kernel: 'swiglu_backward',
          dims: { L: 13 },
          tensors: { ...inputs, dy_L: 'dy', dgate_L: 'dgate', dup_L: 'dup' },
        },
      ],
      gradients: { gate: 'dgate', up: 'dup' },
    });
  });

  it('rope, which keeps the length of queries and keys', () => {
    const dims = { B: 2, T: 3, H: 4, G: 2, D: 6 };
    const table = rotaryTable(3, { headSize: 6, theta: 100 });
    const forward: Operation[] = [
      {
        kernel: 'rope_forward',
        dims,
        tensors: { q_BTHD: 'q', k_BTGD: 'k', v_BTGD: 'v', table_TD: 'table', qkv_BTE: 'y' },
      },
    ];
    const pair: Pair = {
      sizes: { q: 144, k: 72, v: 72, dy: 288, y: 288, dq: 144, dk: 72, dv: 72 },
      given: { table },
      forward,
      backward: [
        {
          kernel: 'rope_backward',
          dims,
          tensors: { dqkv_BTE: 'dy', table_TD: 'table', dq_BTHD: 'dq', dk_BTGD: 'dk', dv_BTGD: 'dv' },
        },
      ],
      gradients: { q: 'dq', k: 'dk', v: 'dv' },
    };
    expectGradientsMatch(pair);
    const tensors = fresh(pair);
    run(forward, tensors);
    const squares = (name: string): number =>
      (tensors[name] as Float64Array).reduce((sum, value) => sum + value * value, 0);
    expect(squares('y')).toBeCloseTo(squares('q') + squares('k') + squares('v'), 9);
  });

  it('gelu', () => {
    expectGradientsMatch({
      sizes: { x: 13, dy: 13, y: 13, dx: 13 },
      forward: [{ kernel: 'gelu_forward', dims: { L: 13 }, tensors: { x_L: 'x', y_L: 'y' } }],
      backward: [{ kernel: 'gelu_backward', dims: { L: 13 }, tensors: { x_L: 'x', dy_L: 'dy', dx_L: 'dx' } }],
      gradients: { x: 'dx' },
    });
  });

  it.each([3, 1])('attention of 3 heads with %i for keys and values', (G) => {
    const sizes = { B: 2, T: 5, H: 3, G, D: 2 };
    const qkv = 2 * 5 * (3 + 2 * G) * 2;
    const forward = attentionForwardSteps(sizes, { qkv: 'qkv', y: 'y', saved: 'saved' });
    const names = { dy: 'dy', qkv: 'qkv', y: 'y', saved: 'saved', dqkv: 'dqkv', scratch: 'scratch' };
    const backward = attentionBackwardSteps(sizes, names);
    expect(forward.tensors).toEqual([{ name: 'saved', shape: [2, 3, 5], dtype: 'f32', role: 'saved' }]);
    expect(backward.tensors).toEqual([{ name: 'scratch', shape: [2, 3, 5], dtype: 'f32', role: 'scratch' }]);
    expectGradientsMatch({
      sizes: { qkv, dy: 60, y: 60, saved: 30, scratch: 30, dqkv: qkv },
      forward: forward.steps,
      backward: backward.steps,
      gradients: { qkv: 'dqkv' },
    });
  });

  it.each([4, 2])('attention of 4 heads with %i for keys and values computes what its naive form does', (G) => {
    const sizes = { B: 2, T: 7, H: 4, G, D: 6 };
    const naive = naiveAttentionSteps(sizes);
    const names = { dy: 'dy', qkv: 'qkv', y: 'y2', saved: 'saved', dqkv: 'dqkv2', scratch: 'scratch' };
    const counts = naive.tensors.map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)] as const);
    const tensors = Object.fromEntries(counts.map(([name, count], index) => [name, values(count, index)]));
    const { y = new Float64Array(), dqkv = new Float64Array() } = tensors;
    const more = { ...tensors, y2: y.slice(), dqkv2: dqkv.slice(), saved: values(56, 8), scratch: values(56, 9) };
    run([...naive.forward, ...naive.backward], more);
    run([...attentionForwardSteps(sizes, names).steps, ...attentionBackwardSteps(sizes, names).steps], more);
    more.y2.forEach((value, index) => expect(value).toBeCloseTo(y[index] ?? NaN, 12));
    more.dqkv2.forEach((value, index) => expect(value).toBeCloseTo(dqkv[index] ?? NaN, 12));
  });

  it('embedding', () => {
    const dims = { B: 2, T: 3, C: 4, V: 5 };
    expectGradientsMatch({
      sizes: { wte: 20, wpe: 12, dy: 24, y: 24, dwte: 20, dwpe: 12 },
      given: { tokens: Uint32Array.of(1, 4, 1, 0, 4, 4), order: Uint32Array.of(3, 0, 2, 1, 4, 5) },
      forward: [
        {
          kernel: 'embedding_forward',
          dims,
          tensors: { tokens_BT: 'tokens', wte_VC: 'wte', wpe_TC: 'wpe', y_BTC: 'y' },
        },
      ],
      backward: [
        {
          kernel: 'embedding_backward_token',
          dims: { ...dims, N: 6 },
          tensors: { tokens_N: 'tokens', order_N: 'order', dy_BTC: 'dy', dwte_VC: 'dwte' },
        },
        { kernel: 'embedding_backward_position', dims, tensors: { dy_BTC: 'dy', dwpe_TC: 'dwpe' } },
      ],
      gradients: { wte: 'dwte', wpe: 'dwpe' },
    });
  });

  it('cross entropy, every row weighted alike', () => {
    const dims = { N: 4, V: 5 };
    const shared = { logits_NV: 'logits', targets_N: 'targets', lse_N: 'lse' };
    const pair: Pair = {
      sizes: { logits: 20, dy: 4, y: 4, lse: 4, scale: 1, dlogits: 20 },
      given: { targets: Uint32Array.of(0, 4, 2, 2) },
      forward: [{ kernel: 'cross_entropy_forward', dims, tensors: { ...shared, loss_N: 'y' } }],
      backward: [
        { kernel: 'cross_entropy_backward', dims, tensors: { ...shared, scale_1: 'scale', dlogits_NV: 'dlogits' } },
      ],
      gradients: { logits: 'dlogits' },
    };
    const tensors: Record<string, TwinArray> = { ...fresh(pair), scale: Float64Array.of(0.25) };
    run(pair.forward, tensors);
    run(pair.backward, tensors);
    const loss = (index: number, shift: number): number => {
      const moved = fresh(pair);
      const logits = moved['logits'] as Float64Array;
      logits[index] = (logits[index] ?? 0) + shift;
      run(pair.forward, moved);
      return (moved['y'] as Float64Array).reduce((sum, y) => sum + 0.25 * y, 0);
    };
    (tensors['dlogits'] as Float64Array).forEach((actual, index) => {
      expect(actual).toBeCloseTo((loss(index, 1e-5) - loss(index, -1e-5)) / 2e-5, 7);
    });
  });
});

describe('accumulating twins', () => {
  it('add to what the output holds', () => {
    const tensors = { dy: values(6, 1), db: Float64Array.of(10, 20, 30) };
    const once = { dy: tensors.dy, db: new Float64Array(3) };
    const operation = (accumulate: number): Operation => ({
      kernel: 'bias_backward',
      dims: { N: 2, C: 3, accumulate },
      tensors: { dy_NC: 'dy', db_C: 'db' },
    });
    run([operation(0)], once);
    run([operation(1)], tensors);
    tensors.db.forEach((value, index) => expect(value).toBeCloseTo((once.db[index] ?? 0) + 10 * (index + 1), 12));
  });
});
