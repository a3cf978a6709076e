import type { ModelConfig } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { stageSlices } from './model-config';
import { allParameters, parameterCount, stageParameterCount, stageParameters } from './parameters';

const CONFIG: ModelConfig = {
  family: 'gpt2',
  layers: 4,
  heads: 4,
  hidden: 64,
  ffn: 256,
  context: 32,
  vocab: 96,
  tieEmbeddings: true,
};
const UNTIED = { ...CONFIG, tieEmbeddings: false };

describe('parameters', () => {
  it('name the tensors as Hugging Face does, in the fixed order', () => {
    expect(allParameters({ ...CONFIG, layers: 1 }).map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
      'transformer.wte.weight 96x64',
      'transformer.wpe.weight 32x64',
      'transformer.h.0.ln_1.weight 64',
      'transformer.h.0.ln_1.bias 64',
      'transformer.h.0.attn.c_attn.weight 64x192',
      'transformer.h.0.attn.c_attn.bias 192',
      'transformer.h.0.attn.c_proj.weight 64x64',
      'transformer.h.0.attn.c_proj.bias 64',
      'transformer.h.0.ln_2.weight 64',
      'transformer.h.0.ln_2.bias 64',
      'transformer.h.0.mlp.c_fc.weight 64x256',
      'transformer.h.0.mlp.c_fc.bias 256',
      'transformer.h.0.mlp.c_proj.weight 256x64',
      'transformer.h.0.mlp.c_proj.bias 64',
      'transformer.ln_f.weight 64',
      'transformer.ln_f.bias 64',
    ]);
    expect(allParameters(UNTIED).at(-1)).toEqual({ name: 'lm_head.weight', shape: [96, 64], decay: true });
  });

  it('count as the formula says, and decay only matrices', () => {
    // V*C + T*C + layers * (12 C² + 13 C) + 2 C
    expect(parameterCount(CONFIG)).toBe(96 * 64 + 32 * 64 + 4 * (12 * 64 * 64 + 13 * 64) + 2 * 64);
    expect(allParameters(CONFIG).filter(({ decay, shape }) => decay !== shape.length > 1)).toEqual([]);
  });

  it('split over stages: all of them once, but the tied embedding at both ends', () => {
    for (const [config, extra] of [
      [CONFIG, 1],
      [UNTIED, 0],
    ] as const) {
      const slices = stageSlices(config, [1, 2, 1]);
      const names = slices.flatMap((slice) => stageParameters(config, slice).map(({ name }) => name));
      expect(names.length).toBe(allParameters(config).length + extra);
      const counts = slices.map((slice) => stageParameterCount(config, slice));
      const copied = extra * config.vocab * config.hidden;
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(parameterCount(config) + copied);
      expect(new Set(names)).toEqual(new Set(allParameters(config).map(({ name }) => name)));
    }
  });

  it('refuse a split that does not add up', () => {
    expect(() => stageSlices(CONFIG, [2, 3])).toThrowError(expect.objectContaining({ code: 'MODEL.SHAPE' }));
  });
});
