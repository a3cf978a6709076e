import { RandomStream, wordToUnit, type ModelConfig } from '@millrace/core';
import { elementCount } from '@millrace/tensor';
import type { ParameterDeclaration } from './parameters';

const STANDARD_DEVIATION = 0.02;

/**
 * Standard deviation of a weight's initial values, 0 if they are constant: GPT-2's 0.02, and 0.02/sqrt(2*layers) for
 * the projections that write into the residual stream (Radford et al. 2019, section 2.3).
 */
function standardDeviation(config: ModelConfig, name: string): number {
  if (name.endsWith('.bias')) return 0;
  return name.endsWith('.c_proj.weight') ? STANDARD_DEVIATION / Math.sqrt(2 * config.layers) : STANDARD_DEVIATION;
}

/**
 * Initial values: normal for matrices and embeddings, 1 for norm weights, 0 for biases. Element e takes lane e mod 4 of
 * the Philox words of (seed, 'init', name, floor(e / 4)), made normal in pairs by Box and Muller (1958), so that it
 * does not depend on the stage or on what else is initialised.
 */
export function initialiseParameter(config: ModelConfig, parameter: ParameterDeclaration, seed: number): Float32Array {
  const values = new Float32Array(elementCount(parameter.shape));
  if (/ln_(1|2|f)\.weight$/.test(parameter.name)) return values.fill(1);
  const deviation = standardDeviation(config, parameter.name);
  if (deviation === 0) return values;
  const stream = new RandomStream(seed, 'init', parameter.name);
  for (let start = 0; start < values.length; start += 4) {
    const words = stream.words(0, start / 4);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = deviation * Math.sqrt(-2 * Math.log(wordToUnit(words[pair] as number)));
      const angle = 2 * Math.PI * wordToUnit(words[pair + 1] as number);
      // Writes past the end of a typed array are ignored, which ends the last group of four.
      values[start + pair] = radius * Math.cos(angle);
      values[start + pair + 1] = radius * Math.sin(angle);
    }
  }
  return values;
}
