import { RandomStream, wordToUnit } from '@millrace/core';
import { elementCount } from '@millrace/tensor';
import type { ParameterDeclaration } from './families/parameter-declaration';

/**
 * The initial values that the parameter declares. Element e of normal ones takes lane e mod 4 of the Philox words of
 * (seed, 'init', name, floor(e / 4)), made normal in pairs by Box and Muller (1958), so that it does not depend on the
 * stage or on what else is initialised.
 */
export function initialiseParameter({ name, shape, initial }: ParameterDeclaration, seed: number): Float32Array {
  const values = new Float32Array(elementCount(shape));
  if (initial.kind === 'constant') return values.fill(initial.value);
  const stream = new RandomStream(seed, 'init', name);
  for (let start = 0; start < values.length; start += 4) {
    const words = stream.words(0, start / 4);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = initial.deviation * Math.sqrt(-2 * Math.log(wordToUnit(words[pair] as number)));
      const angle = 2 * Math.PI * wordToUnit(words[pair + 1] as number);
      // Writes past the end of a typed array are ignored, which ends the last group of four.
      values[start + pair] = radius * Math.cos(angle);
      values[start + pair + 1] = radius * Math.sin(angle);
    }
  }
  return values;
}
