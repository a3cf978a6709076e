import type { ModelConfig, Precision } from '@millrace/core';
import type { Dims, KernelName } from '@millrace/kernels';

/** Letters of sizes as in libs/model: B sequences, T context, H heads, G key and value heads, D head size. */

/** How activations and weights are stored; sums are f32. */
type GpuDType = 'f32' | 'f16';

export interface ProductCase {
  readonly name: string;
  readonly dtype: GpuDType;
  readonly layout: 'nn' | 'nt' | 'tn';
  /** Of all three sides. */
  readonly size: number;
}

export interface RowCase {
  readonly name: string;
  readonly dtype: GpuDType;
  readonly kernel: KernelName;
  readonly dims: Dims;
}

export interface AttentionCase {
  readonly name: string;
  readonly pass: 'forward' | 'backward';
  readonly dtype: GpuDType;
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly D: number;
}

export interface StepCase {
  readonly name: string;
  readonly config: ModelConfig;
  readonly precision: Precision;
  readonly microBatch: number;
}

/** What is measured, by names that a peer prints too. */
export interface GpuCases {
  /** What is short is repeated for so long before a wait. */
  readonly roundMs: number;
  readonly copyBytes: number;
  /** Elements and steps of multiply_add. */
  readonly arithmetic: { readonly elements: number; readonly steps: number };
  readonly products: readonly ProductCase[];
  readonly rows: readonly RowCase[];
  readonly attention: readonly AttentionCase[];
  readonly steps: readonly StepCase[];
  /** Kernels whose shaders are held to their twins; all without it. */
  readonly conformance?: readonly KernelName[];
}

/** The kernel of a product by itself, without what a model adds to it. */
export function productKernel({ dtype, layout, size }: ProductCase): { kernel: KernelName; dims: Dims } {
  const kernel: KernelName = `matmul_${layout}${dtype === 'f16' ? '_f16' : ''}`;
  return { kernel, dims: { M: size, K: size, N: size, bias: 0, residual: 0, accumulate: 0 } };
}

const DTYPES = ['f32', 'f16'] as const;
const LAYOUTS = ['nn', 'nt', 'tn'] as const;
const PASSES = ['forward', 'backward'] as const;
const EPS = 1e-5;

function products(sizes: readonly number[]): ProductCase[] {
  return DTYPES.flatMap((dtype) =>
    sizes.flatMap((size) =>
      LAYOUTS.map((layout) => ({ name: `${dtype} product ${layout} ${size}`, dtype, layout, size })),
    ),
  );
}

/** A kernel and its form in f16. */
function inBoth(kernel: KernelName, label: string, dims: Dims): RowCase[] {
  return DTYPES.map((dtype) => ({
    name: `${dtype} ${kernel} ${label}`,
    dtype,
    kernel: dtype === 'f32' ? kernel : (`${kernel}_f16` as KernelName),
    dims,
  }));
}

function rows(
  shapes: readonly (readonly [rows: number, length: number])[],
  vocab: readonly [number, number],
): RowCase[] {
  const norms = shapes.flatMap(([N, C]) =>
    (['layernorm', 'rmsnorm'] as const).flatMap((norm) => [
      ...inBoth(`${norm}_forward`, `${N} x ${C}`, { N, C, eps: EPS }),
      ...inBoth(`${norm}_backward_input`, `${N} x ${C}`, { N, C, residual: 0 }),
    ]),
  );
  const [N, V] = vocab;
  const L = shapes[0]![0] * shapes[0]![1];
  const crossEntropy = { name: `f32 cross_entropy_forward ${N} x ${V}`, kernel: 'cross_entropy_forward' } as const;
  return [
    ...norms,
    { ...crossEntropy, dtype: 'f32', dims: { N, V } },
    ...inBoth('gelu_forward', `${L}`, { L }),
    ...inBoth('add', `${L}`, { L }),
  ];
}

function attention(shapes: readonly Omit<AttentionCase, 'name' | 'pass' | 'dtype'>[]): AttentionCase[] {
  return shapes.flatMap((shape) =>
    DTYPES.flatMap((dtype) =>
      PASSES.map((pass) => {
        const { B, T, H, G, D } = shape;
        const heads = G === H ? `${H}` : `${H} (${G} of keys)`;
        return { name: `${dtype} attention ${pass} ${B} x ${T}, ${heads} heads of ${D}`, pass, dtype, ...shape };
      }),
    ),
  );
}

/** A model in both precisions. */
function steps(name: string, config: ModelConfig, microBatch: number): StepCase[] {
  return DTYPES.map((precision) => ({ name: `${precision} step of ${name}`, config, precision, microBatch }));
}

/** Operations of attention with half of the scores masked: two products forward, five backward. */
export function attentionFlops({ pass, B, T, H, D }: AttentionCase): number {
  return (pass === 'forward' ? 2 : 5) * B * H * T * T * D;
}

const GPT2_124M: ModelConfig = {
  ...{ family: 'gpt2', layers: 12, heads: 12, hidden: 768, ffn: 3072, context: 1024, vocab: 50_257 },
  tieEmbeddings: true,
};
const LLAMA_1B: ModelConfig = {
  ...{ family: 'llama', layers: 16, heads: 32, kvHeads: 8, headSize: 64, hidden: 2048, ffn: 8192 },
  ...{ context: 1024, vocab: 128_256, tieEmbeddings: true },
};

export const FULL_CASES: GpuCases = {
  roundMs: 40,
  copyBytes: 2 ** 29,
  arithmetic: { elements: 2 ** 22, steps: 1024 },
  products: products([1024, 2048, 4096, 8192]),
  rows: rows(
    [
      [65_536, 768],
      [32_768, 2048],
      [8192, 16_384],
    ],
    [8192, 50_257],
  ),
  attention: attention([
    { B: 8, T: 1024, H: 12, G: 12, D: 64 },
    { B: 4, T: 2048, H: 32, G: 8, D: 64 },
    { B: 1, T: 8192, H: 16, G: 16, D: 128 },
  ]),
  steps: [...steps('GPT-2 124M, 8 x 1024', GPT2_124M, 8), ...steps('Llama 1B, 4 x 1024', LLAMA_1B, 4)],
};

const GPT2_SMALL: ModelConfig = {
  ...{ family: 'gpt2', layers: 1, heads: 2, hidden: 10, ffn: 20, context: 7, vocab: 13 },
  tieEmbeddings: true,
};
const LLAMA_SMALL: ModelConfig = {
  ...{ family: 'llama', layers: 1, heads: 2, kvHeads: 1, headSize: 6, hidden: 10, ffn: 14, context: 7, vocab: 13 },
  tieEmbeddings: true,
};

/** The same code at sizes of a software driver, no multiples of four: those shaders compile fast. */
export const SMALL_CASES: GpuCases = {
  roundMs: 1,
  copyBytes: 2 ** 20,
  arithmetic: { elements: 2 ** 12, steps: 64 },
  products: products([61]),
  rows: rows([[130, 45]], [31, 57]),
  attention: attention([
    { B: 2, T: 9, H: 2, G: 2, D: 6 },
    { B: 1, T: 9, H: 2, G: 1, D: 6 },
  ]),
  steps: [...steps('a small GPT-2', GPT2_SMALL, 2), ...steps('a small Llama', LLAMA_SMALL, 2)],
  conformance: ['add', 'multiply_add', 'sum_of_squares'],
};
