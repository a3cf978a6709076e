import { IGNORED_TARGET } from '../src';
import type { Filling } from './cases/conformance-case';

/** Numbers in [0, 1) from a 32-bit linear congruential generator (Numerical Recipes): plenty for test data. */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** lr, momentum, decay, clip. */
const SGD_HYPER = [0.05, 0.9, 0.1, 0.7];
/** A beta2 whose difference from 1 loses five digits in f32. */
const BETA2 = 0.999;
const HYPER = [1e-3, 0.9, BETA2, 1e-8, 0.1, 1 - 0.9 ** 3, 1 - BETA2 ** 3, 0.7, 1 - 0.9, 1 - BETA2];

/** Test data of one binding; f32 values, so that shader and twin read the same numbers. */
export function fill(
  filling: Filling | undefined,
  count: number,
  { uniform, dims }: { uniform: () => number; dims: Readonly<Record<string, number>> },
): Float32Array | Uint32Array {
  const { T = 1, V = 1, L = 1, P = 1 } = dims;
  if (filling === 'word') return Uint32Array.from({ length: count }, () => Math.floor(uniform() * 2 ** 32));
  if (filling === 'range') {
    // Between two ranges there are elements that are in none.
    return Uint32Array.from({ length: count }, (_, index) => {
      const first = Math.floor((L * Math.floor(index / 2)) / P);
      return index % 2 === 0 ? first : first + Math.ceil(L / P / 3);
    });
  }
  if (filling === 'token' || filling === 'target') {
    const ignored = (index: number): boolean => filling === 'target' && index % 5 === 3;
    return Uint32Array.from({ length: count }, (_, index) => {
      const id = Math.floor(uniform() * V);
      return ignored(index) ? IGNORED_TARGET : id;
    });
  }
  return Float32Array.from({ length: count }, (_, index) => {
    switch (filling) {
      case 'hyper':
        return HYPER[index] ?? 0;
      case 'sgd':
        return SGD_HYPER[index] ?? 0;
      case 'positive':
        return 0.5 + uniform();
      case 'small':
        return 1e-4 * (0.5 + uniform());
      case 'probability':
        return index % T <= Math.floor(index / T) % T ? uniform() / T : 0;
      case 'wide':
        return 40 * (uniform() - 0.5) * uniform();
      case 'scales':
        return (2 * uniform() - 1) * 2 ** ((index % 43) - 28);
      case 'lse':
        return Math.log(V) + uniform();
      case 'row-lse':
        return Math.log(1 + (index % T)) + uniform();
      default:
        return 2 * uniform() - 1;
    }
  });
}
