import { createHash } from 'node:crypto';
import { AppError } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { memoryAccess } from '../safetensors/random-access';
import { SafetensorsFile } from '../safetensors/safetensors-file';
import { encodeSafetensors, type TensorToWrite } from '../safetensors/write-safetensors';
import { exportHuggingFace, huggingFaceBytes } from './export-hugging-face';
import { checkGpt2Tensors, type Gpt2Sizes, gpt2Tensors } from './gpt2-tensors';
import { importHuggingFace, type ImportedModel } from './import-hugging-face';

const sizes: Gpt2Sizes = { layers: 2, hidden: 6, ffn: 20, context: 5, vocab: 11, tieEmbeddings: true };

/** Different values for every tensor, the same on every call. */
async function weights(name: string, of = sizes): Promise<Float32Array> {
  const shape = gpt2Tensors(of).find((tensor) => tensor.name === name)?.shape ?? [];
  const seed = createHash('sha256').update(name).digest();
  return Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    (_, i) => (seed[i % 32] ?? 0) / 256 + i,
  );
}

async function exported(of = sizes): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await exportHuggingFace(
    of,
    (name) => weights(name, of),
    async (bytes) => void parts.push(bytes),
  );
  return Buffer.concat(parts);
}

/** The model's tensors as a file, changed by `change`. */
async function fileOf(change: (tensors: TensorToWrite[]) => TensorToWrite[], of = sizes): Promise<ImportedModel> {
  const tensors = gpt2Tensors(of).map(({ name, shape }): TensorToWrite => ({
    name,
    shape,
    dtype: 'F32',
    read: async () => new Uint8Array((await weights(name, of)).buffer),
  }));
  const parts: Uint8Array[] = [];
  for await (const bytes of encodeSafetensors(change(tensors))) parts.push(bytes);
  return importHuggingFace(memoryAccess(Buffer.concat(parts)));
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
    expect(bytes.length).toBe(huggingFaceBytes(sizes));
  });

  it('ends with the head when it is not tied', async () => {
    const untied = { ...sizes, tieEmbeddings: false };
    const file = await SafetensorsFile.open(memoryAccess(await exported(untied)));
    expect(file.entries.at(-1)).toMatchObject({ name: 'lm_head.weight', shape: [11, 6] });
  });
});

describe('import', () => {
  it.each([true, false])('reads an export again (tied: %s)', async (tieEmbeddings) => {
    const of = { ...sizes, tieEmbeddings };
    const model = await importHuggingFace(memoryAccess(await exported(of)));
    expect(model.sizes).toEqual(of);
    expect(model.tensors).toEqual(gpt2Tensors(of));
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
    expect(model.sizes).toEqual(sizes);
    const whole = await weights('transformer.h.1.ln_2.bias');
    const part = (from: number, count: number): Promise<Float32Array> =>
      model.read('transformer.h.1.ln_2.bias', { from, count });
    expect([...(await model.read('transformer.h.1.ln_2.bias'))]).toEqual([...whole]);
    expect([...(await part(1, 2))]).toEqual([...whole.subarray(1, 3)]);
    expect([...(await part(2, 99))]).toEqual([...whole.subarray(2)]);
    expect(await part(99, 1)).toHaveLength(0);
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

  it('refuses what is no GPT-2, a name in both spellings, and integer weights', async () => {
    const llama = {
      name: 'model.embed_tokens.weight',
      dtype: 'F32',
      shape: [1],
      read: async () => new Uint8Array(4),
    } as const;
    expect((await errorOf(fileOf(() => [llama]))).code).toBe('CHECKPOINT.NOT_GPT2');
    expect((await errorOf(fileOf(() => []))).message).toMatch(/no tensors/);
    expect(
      (await errorOf(fileOf((tensors) => [...tensors, { ...llama, name: 'transformer.h.9999999999.x' }]))).code,
    ).toBe('CHECKPOINT.NOT_GPT2');
    const both = await errorOf(fileOf((tensors) => [...tensors, { ...llama, name: 'wte.weight' }]));
    expect(both.code).toBe('CHECKPOINT.TENSOR_DUPLICATE');
    const quantised = await errorOf(fileOf((tensors) => tensors.map((tensor) => ({ ...tensor, dtype: 'I32' }))));
    expect(quantised.code).toBe('CHECKPOINT.DTYPE_UNSUPPORTED');
  });

  it("is checked against a run's model", () => {
    expect(() => checkGpt2Tensors(gpt2Tensors(sizes), sizes)).not.toThrow();
    const check = (other: Partial<Gpt2Sizes>) => (): void =>
      checkGpt2Tensors(gpt2Tensors(sizes), { ...sizes, ...other });
    expect(check({ vocab: 12 })).toThrowError(/wte\.weight is \[11, 6\], must be \[12, 6\]/);
    expect(check({ tieEmbeddings: false })).toThrowError(/missing: lm_head\.weight/);
    expect(check({ layers: 40 })).toThrowError(/missing: .* and 448 more/);
  });
});
