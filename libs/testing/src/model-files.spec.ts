import { createHash } from 'node:crypto';
import {
  encodeHuggingFace,
  encodeSafetensors,
  huggingFaceBytes,
  importHuggingFace,
  type ImportedModel,
  memoryAccess,
  SafetensorsFile,
  type TensorToWrite,
} from '@millrace/checkpoint';
import { AppError, type ModelConfig } from '@millrace/core';
import { allParameters, MODEL_FAMILIES } from '@millrace/model';
import { describe, expect, it } from 'vitest';

const FAMILIES = { families: MODEL_FAMILIES, parametersOf: allParameters };

const GPT2: ModelConfig = {
  family: 'gpt2',
  layers: 2,
  heads: 1,
  hidden: 6,
  ffn: 20,
  context: 5,
  vocab: 11,
  tieEmbeddings: true,
};

const LLAMA: ModelConfig = {
  family: 'llama',
  layers: 2,
  heads: 6,
  kvHeads: 2,
  hidden: 10,
  headSize: 4,
  ffn: 20,
  context: 2048,
  vocab: 11,
  tieEmbeddings: false,
  normEps: 1e-6,
  ropeTheta: 10_000,
};

/** Different values for every tensor, the same on every call. */
async function weights(name: string, of = GPT2): Promise<Float32Array> {
  const shape = allParameters(of).find((tensor) => tensor.name === name)?.shape ?? [];
  const seed = createHash('sha256').update(name).digest();
  return Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    (_, i) => (seed[i % 32] ?? 0) / 256 + i,
  );
}

async function exported(of = GPT2): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const bytes of encodeHuggingFace(allParameters(of), (name) => weights(name, of))) parts.push(bytes);
  return Buffer.concat(parts);
}

/** The model's tensors as a file, changed by `change`. */
async function fileOf(change: (tensors: TensorToWrite[]) => TensorToWrite[], of = GPT2): Promise<ImportedModel> {
  const tensors = allParameters(of).map(({ name, shape }): TensorToWrite => ({
    name,
    shape,
    dtype: 'F32',
    read: async () => new Uint8Array((await weights(name, of)).buffer),
  }));
  const parts: Uint8Array[] = [];
  for await (const bytes of encodeSafetensors(change(tensors))) parts.push(bytes);
  return importHuggingFace(memoryAccess(Buffer.concat(parts)), FAMILIES);
}

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe('export', () => {
  it('has the names, order and layouts of Hugging Face', async () => {
    const file = await SafetensorsFile.open(memoryAccess(await exported()));
    expect(file.metadata).toEqual({ format: 'pt' });
    expect(file.entries.every(({ dtype }) => dtype === 'F32')).toBe(true);
    expect(file.entries.slice(0, 16).map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
      'transformer.wte.weight 11x6',
      'transformer.wpe.weight 5x6',
      'transformer.h.0.ln_1.weight 6',
      'transformer.h.0.ln_1.bias 6',
      'transformer.h.0.attn.c_attn.weight 6x18',
      'transformer.h.0.attn.c_attn.bias 18',
      'transformer.h.0.attn.c_proj.weight 6x6',
      'transformer.h.0.attn.c_proj.bias 6',
      'transformer.h.0.ln_2.weight 6',
      'transformer.h.0.ln_2.bias 6',
      'transformer.h.0.mlp.c_fc.weight 6x20',
      'transformer.h.0.mlp.c_fc.bias 20',
      'transformer.h.0.mlp.c_proj.weight 20x6',
      'transformer.h.0.mlp.c_proj.bias 6',
      'transformer.h.1.ln_1.weight 6',
      'transformer.h.1.ln_1.bias 6',
    ]);
    expect(file.entries.slice(-2).map(({ name }) => name)).toEqual([
      'transformer.ln_f.weight',
      'transformer.ln_f.bias',
    ]);
  });

  it('is the same file for the same weights, of the length foretold', async () => {
    const bytes = await exported();
    expect(Buffer.compare(bytes, await exported())).toBe(0);
    expect(bytes.length).toBe(huggingFaceBytes(allParameters(GPT2)));
  });

  it('ends with the head when it is not tied', async () => {
    const untied = { ...GPT2, tieEmbeddings: false };
    const file = await SafetensorsFile.open(memoryAccess(await exported(untied)));
    expect(file.entries.at(-1)).toMatchObject({ name: 'lm_head.weight', shape: [11, 6] });
  });
});

describe('import', () => {
  it.each([true, false])('reads an export again (tied: %s)', async (tieEmbeddings) => {
    const of = { ...GPT2, tieEmbeddings };
    const model = await importHuggingFace(memoryAccess(await exported(of)), FAMILIES);
    expect(model.config()).toEqual(of);
    expect(model.tensors).toEqual(allParameters(of).map(({ name, shape }) => ({ name, shape })));
    for (const { name } of model.tensors) expect([...(await model.read(name))]).toEqual([...(await weights(name, of))]);
  });

  it('takes names without prefix, in any order, and ignores mask buffers', async () => {
    const mask = (name: string, dtype: TensorToWrite['dtype'], bytes: number): TensorToWrite => ({
      name,
      dtype,
      shape: [1, 1, bytes],
      read: async () => new Uint8Array(bytes),
    });
    const model = await fileOf((tensors) => [
      mask('h.0.attn.bias', 'U8', 25),
      mask('h.1.attn.bias', 'BOOL', 25),
      { ...mask('h.0.attn.masked_bias', 'F32', 4), shape: [] },
      ...tensors.toReversed().map((tensor) => ({ ...tensor, name: tensor.name.replace('transformer.', '') })),
    ]);
    expect(model.config()).toEqual(GPT2);
    const whole = await weights('transformer.h.1.ln_2.bias');
    const part = (from: number, count: number): Promise<Float32Array> =>
      model.read('transformer.h.1.ln_2.bias', { from, count });
    expect([...(await model.read('transformer.h.1.ln_2.bias'))]).toEqual([...whole]);
    expect([...(await part(1, 2))]).toEqual([...whole.subarray(1, 3)]);
    expect([...(await part(2, 99))]).toEqual([...whole.subarray(2)]);
    expect(await part(99, 1)).toHaveLength(0);
  });

  it.each([true, false])(
    'reads an export of a llama again (tied: %s), and guesses its heads',
    async (tieEmbeddings) => {
      const of = { ...LLAMA, tieEmbeddings };
      const model = await importHuggingFace(memoryAccess(await exported(of)), FAMILIES);
      expect(model.config(6)).toEqual(of);
      expect(model.tensors).toEqual(allParameters(of).map(({ name, shape }) => ({ name, shape })));
      for (const { name } of model.tensors)
        expect([...(await model.read(name))]).toEqual([...(await weights(name, of))]);
      expect([1, 2, 3, 4, 6, 12, 24].filter((heads) => model.fitsHeads(heads))).toEqual([3, 6, 12]);
      const guess = model.config();
      expect(allParameters(guess).map(({ name, shape }) => ({ name, shape }))).toEqual(model.tensors);
    },
  );

  it('takes a llama without prefix, and ignores saved frequencies', async () => {
    const model = await fileOf(
      (tensors) => [
        ...tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(/^model\./, '') })),
        ...['model.layers.1.self_attn.rotary_emb.inv_freq', 'model.rotary_emb.inv_freq'].map((name): TensorToWrite => ({
          name,
          dtype: 'F32',
          shape: [2],
          read: async () => new Uint8Array(8),
        })),
      ],
      LLAMA,
    );
    expect(model.config(6)).toEqual(LLAMA);
  });

  it('lists what is missing, unexpected and misshapen', async () => {
    const error = await errorOf(
      fileOf((tensors) => [
        ...tensors
          .filter(({ name }) => name !== 'transformer.h.1.ln_2.bias')
          .map((tensor) =>
            tensor.name === 'transformer.h.0.attn.c_attn.weight' ? { ...tensor, shape: [18, 6] } : tensor,
          ),
        { name: 'transformer.h.0.attn.rotary', dtype: 'F32', shape: [1], read: async () => new Uint8Array(4) },
      ]),
    );
    expect(error).toMatchObject({
      code: 'CHECKPOINT.TENSORS_MISMATCH',
      details: {
        missing: ['transformer.h.1.ln_2.bias'],
        unexpected: ['transformer.h.0.attn.rotary'],
        wrongShapes: ['transformer.h.0.attn.c_attn.weight is [18, 6], must be [6, 18]'],
      },
    });
    expect(error.message).toMatch(
      /missing: transformer\.h\.1\.ln_2\.bias; unexpected: .*rotary; wrong shape: .*\[18, 6\], must be \[6, 18\]/,
    );
  });

  it('refuses what is of no family, a name in both spellings, and integer weights', async () => {
    const other = {
      name: 'decoder.embed.weight',
      dtype: 'F32',
      shape: [1],
      read: async () => new Uint8Array(4),
    } as const;
    expect((await errorOf(fileOf(() => [other]))).code).toBe('CHECKPOINT.MODEL_UNKNOWN');
    expect((await errorOf(fileOf(() => []))).message).toMatch(/no tensors/);
    expect(
      (await errorOf(fileOf((tensors) => [...tensors, { ...other, name: 'transformer.h.9999999999.x' }]))).code,
    ).toBe('CHECKPOINT.MODEL_UNKNOWN');
    const both = await errorOf(fileOf((tensors) => [...tensors, { ...other, name: 'wte.weight' }]));
    expect(both.code).toBe('CHECKPOINT.TENSOR_DUPLICATE');
    const quantised = await errorOf(fileOf((tensors) => tensors.map((tensor) => ({ ...tensor, dtype: 'I32' }))));
    expect(quantised.code).toBe('CHECKPOINT.DTYPE_UNSUPPORTED');
  });

  it('says which heads a file can have, and what it has with them', async () => {
    const model = await importHuggingFace(memoryAccess(await exported()), FAMILIES);
    expect([1, 2, 3, 4, 6].filter((heads) => model.fitsHeads(heads))).toEqual([1, 2, 3, 6]);
    expect(model.config(3)).toEqual({ ...GPT2, heads: 3 });
  });
});
