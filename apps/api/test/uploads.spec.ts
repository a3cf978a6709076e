import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHuggingFace } from '@millrace/checkpoint';
import { allParameters } from '@millrace/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

const SIZES = { family: 'gpt2', layers: 1, heads: 1, hidden: 8, ffn: 32, context: 4, vocab: 10, tieEmbeddings: true };
const BYTES = { 'content-type': 'application/octet-stream' };

async function modelFile(
  value = 0.5,
  { sizes = SIZES, values = {} }: { sizes?: typeof SIZES; values?: Readonly<Record<string, number>> } = {},
): Promise<Buffer> {
  const parameters = allParameters(sizes);
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const read = async (name: string): Promise<Float32Array> =>
    new Float32Array((shapes.get(name) ?? []).reduce((product, size) => product * size, 1)).fill(values[name] ?? value);
  const pieces: Uint8Array[] = [];
  for await (const piece of encodeHuggingFace(parameters, read)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('uploads', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await RunningApi.start({ MILLRACE_UPLOAD_BYTES_MAX: '20000' });
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  const files = (folder: string): string[] => readdirSync(join(api.home, 'blobs', folder));
  const upload = (query: string, body: NonNullable<RequestInit['body']>, contentType: string): Promise<Response> =>
    api.call(`/datasets?${query}`, { method: 'POST', body, headers: { 'content-type': contentType } });

  describe('of datasets', () => {
    it('tell tokens and vocabulary', async () => {
      const response = await upload('name=chars&tokenizer=char', 'hello', 'text/plain; charset=utf-8');
      expect(response.status).toBe(201);
      expect(await response.json()).toMatchObject({ name: 'chars', tokens: 5, vocab: 4, tokenizer: 'char' });
    });

    it('of tokens have the largest id + 1 as vocabulary and take no tokenizer', async () => {
      const tokens = new Uint8Array(Uint16Array.of(3, 1, 4, 1, 5).buffer);
      expect(await (await upload('name=tokens', tokens, 'application/x-tokens-u16')).json()).toMatchObject({
        tokens: 5,
        vocab: 6,
        tokenizer: 'tokens',
      });
      const problem = await expectProblem(
        await upload('name=t2&tokenizer=byte', tokens, 'application/x-tokens-u16'),
        400,
        'DATA.TOKENIZER_NOT_TAKEN',
      );
      expect(problem.errors?.[0]?.path).toBe('/tokenizer');
    });

    it.each([
      ['no name', 'tokenizer=byte', 'text', 'text/plain', 400, 'API.QUERY_INVALID', '/name'],
      ['a bad name', 'name=a%2Fb&tokenizer=byte', 'text', 'text/plain', 400, 'API.QUERY_INVALID', '/name'],
      ['no tokenizer', 'name=x', 'text', 'text/plain', 400, 'DATA.TOKENIZER_MISSING', '/tokenizer'],
      ['an unknown tokenizer', 'name=x&tokenizer=bpe', 'text', 'text/plain', 400, 'API.QUERY_INVALID', '/tokenizer'],
      [
        'another content type',
        'name=x&tokenizer=byte',
        '{}',
        'application/json',
        415,
        'API.CONTENT_TYPE_UNKNOWN',
        '/content-type',
      ],
      [
        'another charset',
        'name=x&tokenizer=byte',
        'x',
        'text/plain; charset=latin1',
        415,
        'DATA.CONTENT_TYPE_UNKNOWN',
        '/content-type',
      ],
      [
        'an odd number of bytes as u16',
        'name=x',
        'abc',
        'application/x-tokens-u16',
        400,
        'DATA.TOKEN_BYTES_ODD',
        undefined,
      ],
      ['an empty text', 'name=x&tokenizer=byte', '', 'text/plain', 400, 'DATA.TEXT_EMPTY', undefined],
      [
        'more bytes than are taken',
        'name=x&tokenizer=byte',
        'x'.repeat(20_001),
        'text/plain',
        413,
        'API.BODY_TOO_LARGE',
        '',
      ],
    ])(
      'with %s are refused by field, and nothing is stored',
      async (_, query, body, contentType, status, code, path) => {
        const before = { rows: await api.prisma.dataset.count(), datasets: files('datasets') };
        const problem = await expectProblem(await upload(query, body, contentType), status, code);
        if (path !== undefined) expect(problem.errors?.[0]?.path).toBe(path);
        expect({ rows: await api.prisma.dataset.count(), datasets: files('datasets') }).toEqual(before);
        expect(files('uploads')).toEqual([]);
      },
    );

    it('larger than allowed and without a length are cut off', async () => {
      const body = new ReadableStream({
        start(controller): void {
          for (let index = 0; index < 5; index++) controller.enqueue(new Uint8Array(8_000).fill(65));
          controller.close();
        },
      });
      const init = { method: 'POST', body, duplex: 'half', headers: { 'content-type': 'text/plain' } } as RequestInit;
      await expectProblem(await api.call('/datasets?name=x&tokenizer=byte', init), 413, 'DATA.UPLOAD_TOO_LARGE');
      expect(files('uploads')).toEqual([]);
    });

    it('under a name that is taken are refused, also when both come at once', async () => {
      await createDataset(api, 'taken');
      await expectProblem(await upload('name=taken&tokenizer=byte', 'text', 'text/plain'), 409, 'DATASET.NAME_TAKEN');
      const both = await Promise.all([
        upload('name=race&tokenizer=byte', 'one', 'text/plain'),
        upload('name=race&tokenizer=byte', 'two', 'text/plain'),
      ]);
      expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
      expect(files('uploads')).toEqual([]);
    });

    it('share the file of equal tokens, which goes with the last of them', async () => {
      const [one, two] = [await createDataset(api, 'one'), await createDataset(api, 'two')];
      const { sha256 } = await api.prisma.dataset.findUniqueOrThrow({ where: { id: one.id } });
      await api.prisma.dataset.deleteMany({ where: { sha256, id: { notIn: [one.id, two.id] } } });
      expect((await api.call(`/datasets/${one.id}`, { method: 'DELETE' })).status).toBe(204);
      expect(files('datasets')).toContain(sha256);
      expect((await api.call(`/datasets/${two.id}`, { method: 'DELETE' })).status).toBe(204);
      expect(files('datasets')).not.toContain(sha256);
    });

    it('cannot be deleted while a run reads them', async () => {
      const { id } = await createDataset(api);
      expect((await api.post('/runs', runSpec())).status).toBe(201);
      await expectProblem(await api.call(`/datasets/${id}`, { method: 'DELETE' }), 409, 'DATASET.IN_USE');
    });
  });

  describe('of models', () => {
    const send = (body: Buffer, headers = BYTES, query = ''): Promise<Response> =>
      api.call(`/checkpoints:import${query}`, { method: 'POST', body: new Uint8Array(body), headers });

    it('come back byte for byte', async () => {
      const file = await modelFile();
      const response = await send(file);
      expect(response.status).toBe(201);
      const { id } = (await response.json()) as { id: string };
      expect(await (await api.call(`/checkpoints/${id}`)).json()).toMatchObject({
        id,
        runId: null,
        step: 0,
        state: 'durable',
      });
      const download = await api.call(`/checkpoints/${id}/model.safetensors`);
      expect(download.headers.get('content-length')).toBe(String(file.length));
      expect(Buffer.from(await download.arrayBuffer()).equals(file)).toBe(true);
      const etag = download.headers.get('etag') ?? '';
      expect(
        (await api.call(`/checkpoints/${id}/model.safetensors`, { headers: { 'if-none-match': etag } })).status,
      ).toBe(304);
      const head = await api.call(`/checkpoints/${id}/model.safetensors`, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
        200,
        String(file.length),
        etag,
      ]);
      expect((await api.call(`/checkpoints/${id}`, { method: 'DELETE' })).status).toBe(204);
      await expectProblem(await api.call(`/checkpoints/${id}`), 404, 'CHECKPOINT.NOT_FOUND');
    });

    it('that a live run starts from cannot be deleted', async () => {
      const { id } = (await (await send(await modelFile(0.25))).json()) as { id: string };
      const run = await api.prisma.run.findFirstOrThrow();
      const spec = { ...(run.spec as object), model: { init: { from: 'safetensors', id } } };
      await api.prisma.run.update({ where: { id: run.id }, data: { spec } });
      await expectProblem(await api.call(`/checkpoints/${id}`, { method: 'DELETE' }), 409, 'CHECKPOINT.IN_USE');
    });

    it.each([
      ['cut off in its data', (file: Buffer) => file.subarray(0, file.length - 4), /transformer\.|lm_head|tensor/],
      ['cut off in its header', (file: Buffer) => file.subarray(0, 40), /header/],
      ['of zeros', () => Buffer.alloc(100), /./],
      ['empty', () => Buffer.alloc(0), /header/],
    ])('%s are refused with 400, and nothing is stored', async (_, change, message) => {
      const before = { rows: await api.prisma.checkpoint.count(), holds: await api.prisma.blockHold.count() };
      const response = await send(change(await modelFile(0.125)));
      const problem = (await response.json()) as { detail: string };
      expect(response.status).toBe(400);
      expect(problem.detail).toMatch(message);
      expect({ rows: await api.prisma.checkpoint.count(), holds: await api.prisma.blockHold.count() }).toEqual(before);
      expect(files('uploads')).toEqual([]);
    });

    /** What the API says about a run that starts from the import, by field; empty if it may start. */
    const start = async (id: string, changes: object): Promise<Record<string, string>> => {
      const { layers, hidden, context, ffn, vocab } = SIZES;
      const init = { from: 'safetensors', id };
      const model = { family: 'gpt2', layers, heads: 2, hidden, context, ffn, vocab, init, ...changes };
      const data = { dataset: 'imported' };
      const response = await api.post('/runs?dryRun=true', runSpec({ model, data }));
      if (response.status === 200) return {};
      const { errors } = (await response.json()) as { errors: { path: string; message: string }[] };
      return Object.fromEntries(errors.map(({ path, message }) => [path, message]));
    };

    it('keep the number of heads that was said of them, and take any where nobody did', async () => {
      const tokens = new Uint8Array(Uint16Array.from({ length: 200 }, (_, index) => index % SIZES.vocab).buffer);
      expect((await upload('name=imported', tokens, 'application/x-tokens-u16')).status).toBe(201);
      const file = await modelFile(0.75);
      await expectProblem(await send(file, BYTES, '?heads=3'), 400, 'CHECKPOINT.HEADS_IMPOSSIBLE');
      const { id: given } = (await (await send(file, BYTES, '?heads=4')).json()) as { id: string };
      expect(await start(given, { heads: 2 })).toEqual({
        '/model/heads': `${given} has 4 heads, the model of this spec has 2; set it to 4`,
      });
      expect(await start(given, { heads: 4 })).toEqual({});
      const { id: guessed } = (await (await send(file)).json()) as { id: string };
      expect(await start(guessed, { heads: 2 })).toEqual({});
    });

    it('of a llama start a run whose heads fit their shapes, and come out as they went in', async () => {
      const sizes = { ...SIZES, family: 'llama', heads: 4, kvHeads: 2, headSize: 4, tieEmbeddings: false };
      const file = await modelFile(0.375, { sizes, values: { 'lm_head.weight': 0.25 } });
      await expectProblem(await send(file, BYTES, '?heads=3'), 400, 'CHECKPOINT.HEADS_IMPOSSIBLE');
      const { id } = (await (await send(file, BYTES, '?heads=4')).json()) as { id: string };
      const llama = { family: 'llama', heads: 4, kvHeads: 2, headSize: 4 };
      expect(await start(id, llama)).toEqual({});
      expect(await start(id, { ...llama, kvHeads: 1 })).toMatchObject({
        '/model/init/id': expect.stringContaining('k_proj.weight is [8, 8]') as string,
      });
      const exported = await api.call(`/checkpoints/${id}/model.safetensors`);
      expect(Buffer.compare(Buffer.from(await exported.arrayBuffer()), file)).toBe(0);
    });

    it('with a copy of the embedding beside a tied head may be tied or not', async () => {
      const sizes = { ...SIZES, tieEmbeddings: false };
      const { id: copied } = (await (await send(await modelFile(0.5, { sizes }))).json()) as { id: string };
      expect(await start(copied, { tieEmbeddings: true })).toEqual({});
      expect(await start(copied, { tieEmbeddings: false })).toEqual({});
      const own = await modelFile(0.5, { sizes, values: { 'lm_head.weight': 0.25 } });
      const { id: untied } = (await (await send(own)).json()) as { id: string };
      expect(await start(untied, { tieEmbeddings: false })).toEqual({});
      expect(await start(untied, { tieEmbeddings: true })).toMatchObject({
        '/model/init/id': expect.stringContaining('set model.tieEmbeddings to false') as string,
      });
      const { id: tied } = (await (await send(await modelFile())).json()) as { id: string };
      expect(await start(tied, { tieEmbeddings: false })).toMatchObject({
        '/model/init/id': expect.stringContaining('set model.tieEmbeddings to true') as string,
      });
    });

    it('with weights that are no numbers are refused by name', async () => {
      const file = await modelFile(0.5, { values: { 'transformer.h.0.mlp.c_fc.bias': NaN } });
      const problem = await expectProblem(await send(file), 400, 'CHECKPOINT.WEIGHT_NOT_FINITE');
      expect(problem.detail).toContain('element 0 of tensor "transformer.h.0.mlp.c_fc.bias" is NaN');
    });

    it('of another content type or too large are refused', async () => {
      await expectProblem(
        await send(await modelFile(), { 'content-type': 'text/plain' }),
        415,
        'API.CONTENT_TYPE_UNKNOWN',
      );
      await expectProblem(await send(Buffer.alloc(20_001)), 413, 'API.BODY_TOO_LARGE');
    });
  });
});
