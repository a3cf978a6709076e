import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HALF_FORMS, type HalfKernelName, KERNELS, type KernelTarget, sumOfSquaresPartials, WGSL } from '.';
import { linearWorkgroups } from './launch';

const TARGET: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 256,
  maxWorkgroupsPerDimension: 65_535,
  subgroups: false,
};

describe('kernels.generated.ts', () => {
  it('is what scripts/gen-kernels.mjs makes of the shaders now', () => {
    const script = resolve(__dirname, '../../../scripts/gen-kernels.mjs');
    expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
  });

  it('holds shaders with the fixed header and one entry point', () => {
    for (const [name, text] of Object.entries(WGSL)) {
      const lines = text.split('\n');
      expect(lines[0], name).toMatch(new RegExp(`^// ${name} — `));
      expect(text, name).toMatch(/Shapes:[^]*Dispatch:[^]*Method:[^]*Source:[^]*Checked:/);
      expect(text.match(/@compute/g), name).toHaveLength(1);
      expect(text, name).toContain('fn main(');
      // Those of templates repeat lines.
      expect(lines.length, name).toBeLessThanOrEqual(240);
    }
  });
});

describe('KERNELS', () => {
  it('names every kernel by its key and binds what its reference shader declares', () => {
    for (const [name, kernel] of Object.entries(KERNELS)) {
      expect(kernel.name).toBe(name);
      const letters = { M: 5, K: 5, N: 5, C: 5, B: 2, T: 5, H: 2, D: 4, V: 5, L: 5, P: 1, R: 1 };
      const sizes = { ...letters, partK: 16, eps: 1e-5, p: 0.1 };
      const text = WGSL[kernel.reference(sizes, TARGET).wgsl] ?? '';
      const declared = [...text.matchAll(/@binding\((\d+)\) var<storage, (\w+)> (\w+): array<(\w+)>/g)];
      expect(declared.map(([, index, access, binding, dtype]) => ({ index, access, name: binding, dtype }))).toEqual(
        kernel.bindings.map(({ access, name: binding, dtype }, index) => {
          // The kernels that convert on any adapter take words of two elements.
          const words = dtype === 'f16' && /^(narrow|widen)$/.test(name);
          return { index: String(index), access, name: binding, dtype: words ? 'u32' : dtype };
        }),
      );
    }
  });

  it('has the shader of every variant of a form in f16', () => {
    const sizes = { M: 8132, K: 20, partK: 16, B: 2, H: 2, D: 4, V: 5, L: 5, P: 2, eps: 1e-5, p: 0.1 };
    const wide = { ...TARGET, workgroupBytesMax: 32_768, subgroups: true, subgroupSize: 32 };
    const lavapipe: KernelTarget = { ...TARGET, adapterClass: 'cpu', subgroups: true, subgroupSize: 8 };
    for (const name of Object.keys(HALF_FORMS) as HalfKernelName[]) {
      const kernel = KERNELS[name];
      for (const dims of [4, 5, 1028, 1031, 65_536, 65_537].map((C) => ({ ...sizes, N: 64, C, T: 8 }))) {
        const chosen = [TARGET, wide, lavapipe].flatMap((target) => [
          kernel.variant(dims, target),
          ...(kernel.variants?.(dims, target) ?? []),
        ]);
        for (const { wgsl } of chosen) expect(WGSL[wgsl], wgsl).toContain('enable f16;');
      }
    }
  });

  it('counts what a form in f16 moves, and cuts none that would round sums of parts', () => {
    const dims = { M: 8, K: 16, N: 4, bias: 1, accumulate: 1 };
    expect(KERNELS.add_f16.bytes({ L: 10 })).toBe(KERNELS.add.bytes({ L: 10 }) / 2);
    expect(KERNELS.matmul_tn_f16.bytes(dims)).toBeLessThan(KERNELS.matmul_tn.bytes(dims));
    expect(KERNELS.matmul_nn.cuts?.map(({ axis }) => axis)).toEqual(['M', 'K']);
    expect(KERNELS.matmul_nn_f16.cuts?.map(({ axis }) => axis)).toEqual(['M']);
    expect(KERNELS.matmul_nn_f16_logits.cuts?.map(({ axis }) => axis)).toEqual(['M', 'K']);
    expect(KERNELS.embedding_forward_f16.cuts).toEqual(KERNELS.embedding_forward.cuts);
  });

  it('chooses by adapter and shape', () => {
    const dims = { M: 768, K: 128, N: 384 };
    const lavapipe: KernelTarget = { ...TARGET, adapterClass: 'cpu', subgroups: true, subgroupSize: 8 };
    expect(KERNELS.matmul_nn.variant(dims, TARGET).wgsl).toBe('matmul_nn_workgroup');
    const large = { M: 2048, K: 768, N: 2304 };
    expect(KERNELS.matmul_nn.variant(large, TARGET).wgsl).toBe('matmul_nn_block_128x64');
    const roomy = { ...TARGET, workgroupBytesMax: 32_768 };
    expect(KERNELS.matmul_nn.variant(large, roomy).wgsl).toBe('matmul_nn_block_128x128');
    expect(KERNELS.matmul_nt.variant({ ...large, N: 50_257 }, roomy).wgsl).toBe('matmul_nt_block_128x128');
    expect(KERNELS.matmul_nn.variant({ ...large, K: 50_257 }, roomy).wgsl).toBe('matmul_nn_block_128x128_any');
    expect(KERNELS.matmul_tn.variant({ M: 768, K: 4096, N: 768 }, roomy).wgsl).toBe('matmul_tn_block_64x64');
    const few = { M: 8132, K: 20, N: 4 };
    expect(KERNELS.matmul_nt_swiglu.variant(few, roomy).wgsl).toBe('matmul_nt_swiglu_64x64');
    expect(KERNELS.matmul_nt_swiglu.variant(few, lavapipe).wgsl).toBe('matmul_nt_swiglu_scalar');
    expect(KERNELS.matmul_nn.variant(large, { ...roomy, maxWorkgroupSize: 32 }).wgsl).toBe('matmul_nn_tile');
    expect(KERNELS.matmul_nn.variant(dims, lavapipe).wgsl).toBe('matmul_nn_subgroup');
    expect(KERNELS.matmul_nn.variant(dims, { ...lavapipe, subgroupSize: 4 }).wgsl).toBe('matmul_nn_tile');
    expect(KERNELS.matmul_nn.variant({ ...dims, N: 65 }, lavapipe).wgsl).toBe('matmul_nn_tile');
    expect(KERNELS.matmul_nn.reference(dims, lavapipe).wgsl).toBe('matmul_nn_scalar');
  });

  it('refuses a size that is missing or not positive', () => {
    expect(() => KERNELS.matmul_nn.variant({ M: 1, K: 0, N: 1 }, TARGET)).toThrow('dimension K is 0');
    expect(() => KERNELS.add.flops({})).toThrow('dimension L is undefined');
    expect(() => KERNELS.sum_of_squares.variant({ L: 5000, P: 2 }, TARGET)).toThrow('5 partials, not 2');
  });
});

/** Rounds over the rows of a matrix, whose indices a compiler has to know. */
const MATRIX_ROWS = '4u';

/** Whether an expression of WGSL consists of numbers and overrides alone. */
function isKnownAtCompileTime(expression: string): boolean {
  const names = (expression.match(/(?<!\w)[A-Za-z_]\w*/g) ?? []).filter((name) => name !== 'min');
  return names.every((name) => name === name.toUpperCase());
}

it('has no longer loop of known length in what software drivers run: they would unroll it (docs/decisions/0021)', () => {
  const files = Object.entries(WGSL).filter(([name]) => !/_workgroup(_f16|$)|_\d+x\d+/.test(name));
  const loops = files.flatMap(([name, source]) =>
    [...source.matchAll(/for \((?:var \w+ = )?([^;]*); [^;]* <=? ([^;]*);/g)].map((match) => [name, ...match]),
  );
  expect(loops.length).toBeGreaterThan(30);
  const isKnown = (from: string, to: string): boolean =>
    isKnownAtCompileTime(from) && isKnownAtCompileTime(to) && to !== MATRIX_ROWS;
  for (const [name, loop, from, to] of loops) expect(isKnown(from!, to!), `${name}: ${loop}`).toBe(false);
});

it('initialises every variable: Dawn 0.6.2 keeps the value of the round before of one that is declared in a loop', () => {
  for (const [name, source] of Object.entries(WGSL)) expect(source, name).not.toMatch(/^\s+var \w+: [^=;]+;/m);
});

describe('linearWorkgroups', () => {
  it('stays within the limit and covers the count', () => {
    expect(linearWorkgroups(65_535, TARGET)).toEqual([65_535, 1, 1]);
    const [x, y] = linearWorkgroups(1_000_003, TARGET);
    expect(x).toBeLessThanOrEqual(65_535);
    expect(x * y).toBeGreaterThanOrEqual(1_000_003);
    expect(() => linearWorkgroups(65_535 ** 2 + 1, TARGET)).toThrow('do not fit');
  });
});

it('refuses more items than shaders count in 32 bits, and parts of K that are no whole slabs', () => {
  // Its gradient would otherwise be left out without a word: 2^32 wraps around to 0.
  const dims = { B: 1, T: 1, N: 2 ** 19, C: 2 ** 13, V: 2, accumulate: 1 };
  expect(() => KERNELS.embedding_backward_token.variant(dims, TARGET)).toThrow('more than 32 bits count');
  const parts = { M: 4, K: 40, N: 4, P: 2 };
  expect(() => KERNELS.matmul_nn_parts.variant({ ...parts, partK: 20 }, TARGET)).toThrow('not whole slabs of 16');
  expect(() => KERNELS.matmul_nn_parts.variant({ ...parts, partK: 32 }, TARGET)).not.toThrow();
});

describe('sumOfSquaresPartials', () => {
  it('depends on the element count alone and stays small', () => {
    expect(sumOfSquaresPartials(1)).toBe(1);
    expect(sumOfSquaresPartials(1025)).toBe(2);
    expect(sumOfSquaresPartials(50_257 * 768)).toBeLessThanOrEqual(16_384);
  });
});
