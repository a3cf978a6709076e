import type { ModelConfig } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { stageSlices } from './model-config';
import { allParameters, ownedParameters, parameterCount, stageParameterCount, stageParameters } from './parameters';

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
    expect(allParameters(UNTIED).at(-1)).toMatchObject({ name: 'lm_head.weight', shape: [96, 64], decay: true });
  });

  it('of a llama are [out, in], without biases, for heads of any size', () => {
    const llama = { ...CONFIG, family: 'llama', layers: 1, kvHeads: 2, headSize: 24, tieEmbeddings: false };
    expect(allParameters(llama).map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
      'model.embed_tokens.weight 96x64',
      'model.layers.0.input_layernorm.weight 64',
      'model.layers.0.self_attn.q_proj.weight 96x64',
      'model.layers.0.self_attn.k_proj.weight 48x64',
      'model.layers.0.self_attn.v_proj.weight 48x64',
      'model.layers.0.self_attn.o_proj.weight 64x96',
      'model.layers.0.post_attention_layernorm.weight 64',
      'model.layers.0.mlp.gate_proj.weight 256x64',
      'model.layers.0.mlp.up_proj.weight 256x64',
      'model.layers.0.mlp.down_proj.weight 64x256',
      'model.norm.weight 64',
      'lm_head.weight 96x64',
    ]);
    expect(allParameters({ ...llama, tieEmbeddings: true }).at(-1)?.name).toBe('model.norm.weight');
  });

  it('of a family that this build does not have are refused by its name', () => {
    const error = {
      code: 'MODEL.FAMILY_UNKNOWN',
      message: expect.stringContaining('"bert"; it has gpt2, llama') as string,
    };
    expect(() => allParameters({ ...CONFIG, family: 'bert' })).toThrowError(expect.objectContaining(error));
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
      expect(slices.flatMap((slice) => ownedParameters(config, slice))).toEqual(allParameters(config));
    }
  });

  it('refuse a split that does not add up', () => {
    expect(() => stageSlices(CONFIG, [2, 3])).toThrowError(expect.objectContaining({ code: 'MODEL.SHAPE' }));
  });
});
