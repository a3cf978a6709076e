import { ATTENTION_CASES } from './cases/attention-cases';
import { ELEMENT_CASES } from './cases/element-cases';
import { PRODUCT_CASES } from './cases/product-cases';
import { ROW_CASES } from './cases/row-cases';
import { TOKEN_CASES } from './cases/token-cases';
import type { ConformanceCase } from './cases/conformance-case';

/** Every kernel that is a part of a program, with the shapes on which its shaders are held to its twin. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  ...PRODUCT_CASES,
  ...ROW_CASES,
  ...ATTENTION_CASES,
  ...TOKEN_CASES,
  ...ELEMENT_CASES,
];
