import type { ModelConfig } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { initialiseParameter } from './initialise-parameter';
import { allParameters, type ParameterDeclaration } from './parameters';

const CONFIG: ModelConfig = {
  family: 'gpt2',
  layers: 8,
  heads: 4,
  hidden: 64,
  ffn: 256,
  context: 32,
  vocab: 96,
  tieEmbeddings: true,
};

/** The parameter of the model as it would begin in another shape. */
function initialised(name: string, shape: number[], seed = 1): Float32Array {
  const declared = allParameters(CONFIG).find((parameter) => parameter.name === name) as ParameterDeclaration;
  return initialiseParameter({ ...declared, shape }, seed);
}

function moments(values: Float32Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

describe('initialiseParameter', () => {
  it('draws normal weights of GPT-2 deviations', () => {
    const weights = moments(initialised('transformer.h.0.attn.c_attn.weight', [256, 400]));
    expect(Math.abs(weights.mean)).toBeLessThan(3e-4);
    expect(weights.deviation).toBeCloseTo(0.02, 3);
    expect(moments(initialised('transformer.h.0.mlp.c_proj.weight', [256, 400])).deviation).toBeCloseTo(0.005, 4);
  });

  it('sets biases to 0 and norm weights to 1', () => {
    expect(initialised('transformer.h.3.ln_2.weight', [5])).toEqual(Float32Array.of(1, 1, 1, 1, 1));
    expect(initialised('transformer.ln_f.weight', [2])).toEqual(Float32Array.of(1, 1));
    expect(initialised('transformer.ln_f.bias', [2])).toEqual(Float32Array.of(0, 0));
    expect(initialised('transformer.h.3.mlp.c_fc.bias', [3])).toEqual(Float32Array.of(0, 0, 0));
  });

  it('keys every element by seed, name and index alone', () => {
    const name = 'transformer.wte.weight';
    const long = initialised(name, [10, 7]);
    expect(initialised(name, [3, 5])).toEqual(long.slice(0, 15));
    expect(initialised(name, [10, 7], 2)).not.toEqual(long);
    expect(initialised('transformer.wpe.weight', [10, 7])).not.toEqual(long);
    expect(new Set(long).size).toBe(70);
  });

  it('gives the values that checkpoints of earlier builds began with', () => {
    const values = [-0.01026386022567749, 0.020349401980638504, -0.015594938769936562, -0.005188321229070425];
    expect([...initialised('transformer.wte.weight', [1, 4])]).toEqual(values);
  });
});
