import { fits, type AdapterLimits } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { LARGE_SIZES, REAL_SIZES, realSizePrograms } from './real-size-programs';
import { LEAST_ADAPTER, RECORDED_ADAPTERS } from './recorded-adapters';

const SIZES = [...REAL_SIZES, ...LARGE_SIZES];
type Size = (typeof SIZES)[number];

function sizeOf(name: string): Size {
  return SIZES.find((size) => size[0] === name)!;
}

/** A table of 128,256 tokens of 4096 elements, its gradient and its moments: each is one buffer. */
const TABLE_8B = 'maxBufferSize 2101346304';
/** Text is made from the logits of all positions: 8192 of 128,256 tokens. */
const LOGITS_8192 = 'maxBufferSize 4202692608';
/** The same of 50,257. */
const LOGITS_8192_GPT2 = 'maxBufferSize 1646821376';

/** What passes a limit, by adapter and size; all else must fit. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  'AMD, Llama 1B, 1 x 8192': [LOGITS_8192],
  'AMD, Llama 8B, 1 x 8192': [LOGITS_8192],
  'Intel, GPT-2 124M, 1 x 8192': [LOGITS_8192_GPT2],
  'Intel, GPT-2 1.5B, 1 x 8192': [LOGITS_8192_GPT2],
  'Intel, Llama 1B, 1 x 8192': [LOGITS_8192],
  'Intel, Llama 8B, 4 x 1024': [TABLE_8B],
  'Intel, Llama 8B, 1 x 4096': [TABLE_8B],
  'Intel, Llama 8B, 1 x 8192': [TABLE_8B, LOGITS_8192],
};

function misfits([, config, microBatch]: Size, adapter: AdapterLimits): string[] {
  const found = realSizePrograms(config, microBatch).flatMap((program) => fits(program, adapter));
  return [...new Set(found.map(({ limit, needed }) => `${limit} ${needed}`))];
}

describe.each(Object.entries(RECORDED_ADAPTERS))('every program of real size fits %s', (name, adapter) => {
  it.each(SIZES)('%s', (...size) => {
    expect(misfits(size, adapter)).toEqual(KNOWN[`${name}, ${size[0]}`] ?? []);
  });
});

describe('fits', () => {
  it('says what an adapter of least limits lacks', () => {
    const [gpt2, llama] = [sizeOf('GPT-2 124M, 4 x 1024'), sizeOf('Llama 1B, 4 x 1024')];
    expect(misfits(gpt2, LEAST_ADAPTER)).toEqual([]);
    const [forward] = realSizePrograms(llama[1], llama[2]);
    expect(fits(forward!, LEAST_ADAPTER)).toEqual([
      { subject: 'model.embed_tokens.weight', limit: 'maxBufferSize', needed: 1_050_673_152, allowed: 268_435_456 },
    ]);
  });

  it('holds shaders to invocations, workgroup memory, bindings and workgroups', () => {
    const [, config, microBatch] = SIZES[0]!;
    const [forward, , weights] = realSizePrograms(config, microBatch);
    const limits = { ...RECORDED_ADAPTERS['NVIDIA']!.limits };
    const passed = (name: string, allowed: number): (string | undefined)[] => {
      const adapter = { ...RECORDED_ADAPTERS['NVIDIA']!, limits: { ...limits, [name]: allowed } };
      const found = [forward!, weights!]
        .flatMap((program) => fits(program, adapter))
        .filter(({ limit }) => limit === name);
      return found.map(({ subject, needed }) => `${subject}: ${needed}`);
    };
    expect(passed('maxStorageBuffersPerShaderStage', 5)).toContain('layernorm_forward as layernorm_forward_short: 6');
    expect(passed('maxComputeWorkgroupStorageSize', 1024)).toEqual([
      'flash_attention_forward as flash_attention_forward_workgroup: 14336',
      'layernorm_backward_weight as layernorm_backward_weight_workgroup: 2048',
    ]);
    // A launch takes smaller workgroups, and more dimensions, where it must.
    expect(passed('maxComputeWorkgroupsPerDimension', 1000)).toEqual([]);
    expect(passed('maxComputeInvocationsPerWorkgroup', 32)).toEqual([]);
  });

  it('tells which operation no cut makes small enough', () => {
    const [, config] = sizeOf('Llama 8B, 1 x 8192');
    const [forward] = realSizePrograms(config, 1);
    expect(fits(forward!, LEAST_ADAPTER)).toEqual([
      {
        subject: 'rope_forward on h.0.qkv_NE',
        limit: 'maxStorageBufferBindingSize',
        needed: 201_326_592,
        allowed: 134_217_728,
      },
    ]);
  });
});
