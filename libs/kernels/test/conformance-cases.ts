import { type Dims, HALF_FORMS, type HalfKernelName } from '../src';
import { ATTENTION_CASES } from './cases/attention-cases';
import { ELEMENT_CASES } from './cases/element-cases';
import { PRODUCT_CASES } from './cases/product-cases';
import { ROW_CASES } from './cases/row-cases';
import { TOKEN_CASES } from './cases/token-cases';
import type { ConformanceCase } from './cases/conformance-case';

const FULL_CASES: readonly ConformanceCase[] = [
  ...PRODUCT_CASES,
  ...ROW_CASES,
  ...ATTENTION_CASES,
  ...TOKEN_CASES,
  ...ELEMENT_CASES,
];

/** Long sums, primes and head sizes besides those of the kernels. */
const HALF_SHAPES: readonly (readonly [kernels: RegExp, shapes: readonly Dims[]])[] = [
  [
    /^matmul_(nn|nt|tn)$/,
    [
      { M: 101, K: 211, N: 89, accumulate: 1 },
      { M: 7, K: 1021, N: 31, accumulate: 0 },
      { M: 36, K: 1024, N: 64, accumulate: 1 },
    ],
  ],
  [
    /^flash_attention_/,
    [
      { B: 1, T: 19, H: 2, G: 1, D: 97 },
      { B: 1, T: 12, H: 2, D: 128 },
      { B: 1, T: 7, H: 1, D: 256 },
      { B: 1, T: 16, H: 2, G: 1, D: 64 },
    ],
  ],
];

/** A form in f16 has the cases of its kernel. */
const HALF_CASES = (Object.keys(HALF_FORMS) as HalfKernelName[]).map((kernel): ConformanceCase => {
  const { of } = HALF_FORMS[kernel];
  const full = FULL_CASES.find((testCase) => testCase.kernel === of)!;
  const more = HALF_SHAPES.filter(([kernels]) => kernels.test(of)).flatMap(([, shapes]) => shapes);
  return { ...full, kernel, dims: [...full.dims, ...more], isHalf: true };
});

/** Every kernel that is a part of a program, with the shapes on which its shaders are held to its twin. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [...FULL_CASES, ...HALF_CASES];
