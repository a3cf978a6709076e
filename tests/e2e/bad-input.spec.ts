import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHuggingFace, encodeSafetensors } from '@millrace/checkpoint';
import { allParameters } from '@millrace/model';
import type { Problem } from '@millrace/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveCluster } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

/** What the API refuses, over real HTTP: status, problem document, code and field, and nothing is stored. */
let cluster: LiveCluster;
let before: Stored;
const UPLOAD_BYTES_MAX = 256 * 1024;
const sizes = { family: 'gpt2', layers: 1, heads: 1, hidden: 8, ffn: 32, context: 6, vocab: 11, tieEmbeddings: true };

beforeAll(async () => {
  cluster = await LiveCluster.start({
    agents: 0,
    environment: { MILLRACE_UPLOAD_BYTES_MAX: String(UPLOAD_BYTES_MAX) },
  });
  await createSmallDataset(cluster.client);
  before = await stored();
});

afterAll(async () => {
  await cluster.stop();
});

interface Stored {
  readonly datasets: unknown;
  readonly runs: unknown;
  readonly files: readonly string[];
}

async function stored(): Promise<Stored> {
  const blobs = join(cluster.home, 'blobs');
  expect(existsSync(blobs)).toBe(true);
  const files = readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return {
    datasets: (await cluster.client.datasets()).items,
    runs: (await cluster.client.runs()).items,
    files: files.map((entry) => join(entry.parentPath, entry.name)).sort(),
  };
}

interface Call {
  readonly path: string;
  readonly type?: string;
  readonly body?: NonNullable<RequestInit['body']>;
  readonly token?: string;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  /** JSON pointer of the field that the problem names. */
  readonly field?: string;
  readonly detail: RegExp;
}

async function expectRefused(
  { path, type, body, token = cluster.endpoint.token }: Call,
  refusal: Refusal,
): Promise<void> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (type !== undefined) headers['content-type'] = type;
  const init: RequestInit = { method: 'POST', headers };
  if (body !== undefined) Object.assign(init, { body, duplex: 'half' });
  const response = await fetch(`${cluster.endpoint.http}/api/v1${path}`, init);
  const text = await response.text();
  expect(response.status, text).toBe(refusal.status);
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({ status: refusal.status, code: refusal.code });
  expect(problem.detail).toMatch(refusal.detail);
  if (refusal.field !== undefined)
    expect(
      problem.errors?.map((error) => error.path),
      text,
    ).toContain(refusal.field);
  expect(await stored()).toEqual(before);
}

const submit = (spec: unknown): Call => ({ path: '/runs', type: 'application/json', body: JSON.stringify(spec) });
const tokens = (body: Uint8Array<ArrayBuffer>): Call => ({
  path: '/datasets?name=new',
  type: 'application/x-tokens-u16',
  body,
});
const model = (body: Uint8Array<ArrayBuffer>): Call => ({
  path: '/checkpoints:import',
  type: 'application/octet-stream',
  body,
});

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Uint8Array.from(Buffer.concat(parts));
}

const wholeModel = (): Promise<Uint8Array<ArrayBuffer>> =>
  joined(
    encodeHuggingFace(allParameters(sizes), (name) => {
      const shape = allParameters(sizes).find((tensor) => tensor.name === name)?.shape ?? [];
      return Promise.resolve(new Float32Array(shape.reduce((product, size) => product * size, 1)));
    }),
  );

describe('a run spec', () => {
  it.each<[string, unknown, Refusal]>([
    [
      'with an unknown key',
      { ...smallRun('x'), train: { ...smallRun('x').train, momentun: 0.9 } },
      { status: 400, code: 'RUN.SPEC_INVALID', field: '/train/momentun', detail: /unknown key/ },
    ],
    [
      'with more stages than layers',
      smallRun('x', { parallel: { pp: 5 } }),
      { status: 400, code: 'RUN.SPEC_INVALID', field: '/parallel/pp', detail: /5 stages.*layers = 4/ },
    ],
    [
      'whose batch is not divisible',
      smallRun('x', { train: { batch: { global: 10, micro: 4 } } }),
      { status: 400, code: 'RUN.SPEC_INVALID', field: '/train/batch/global', detail: /10 is not a multiple of .* = 4/ },
    ],
    [
      'whose dataset is missing',
      smallRun('x', { data: { dataset: 'nowhere' } }),
      { status: 400, code: 'RUN.SPEC_UNFIT', field: '/data/dataset', detail: /nowhere/ },
    ],
    [
      'whose vocabulary is too small',
      smallRun('x', { model: { vocab: 50 } }),
      { status: 400, code: 'RUN.SPEC_UNFIT', field: '/model/vocab', detail: /97/ },
    ],
    [
      'whose checkpoint is missing',
      smallRun('x', { model: { init: { from: 'checkpoint', id: 'ckpt_nowhere' } } }),
      { status: 400, code: 'RUN.SPEC_UNFIT', field: '/model/init/id', detail: /ckpt_nowhere/ },
    ],
    [
      'that asks for what this build lacks',
      smallRun('x', { parallel: { dp: 2 } }),
      { status: 400, code: 'RUN.SPEC_INVALID', field: '/parallel/dp', detail: /not in this build/ },
    ],
    [
      'that is a list',
      [],
      { status: 400, code: 'RUN.SPEC_INVALID', field: '', detail: /must be an object, not a list/ },
    ],
  ])('%s', async (_, spec, refusal) => {
    await expectRefused(submit(spec), refusal);
    await expectRefused({ ...submit(spec), path: '/runs?dryRun=true' }, refusal);
  });

  it('that is no JSON, no YAML, or of another type', async () => {
    const malformed = { status: 400, code: 'API.DOCUMENT_MALFORMED', field: '', detail: /not JSON/ };
    await expectRefused({ path: '/runs', type: 'application/json', body: '{"name":' }, malformed);
    await expectRefused(
      { path: '/runs', type: 'application/yaml', body: 'name: [' },
      { ...malformed, detail: /not YAML/ },
    );
    const type = { status: 415, code: 'API.CONTENT_TYPE_UNKNOWN', field: '/content-type', detail: /application\/json/ };
    await expectRefused({ path: '/runs', type: 'text/html', body: '<p>' }, type);
  });

  it('of more than 1 MiB', async () => {
    const spec = { ...smallRun('x'), parallel: { scheduleCsv: 'x'.repeat(1_100_000) } };
    await expectRefused(submit(spec), { status: 413, code: 'API.BODY_TOO_LARGE', field: '', detail: /1048576/ });
  });
});

describe('an upload', () => {
  it('of tokens whose length is odd', async () => {
    await expectRefused(tokens(new Uint8Array(1001)), {
      status: 400,
      code: 'DATA.TOKEN_BYTES_ODD',
      detail: /1001 bytes.*u16/,
    });
  });

  it('of tokens with a tokenizer, and of text without one', async () => {
    const given = { status: 400, code: 'DATA.TOKENIZER_NOT_TAKEN', field: '/tokenizer', detail: /char/ };
    await expectRefused({ ...tokens(new Uint8Array(10)), path: '/datasets?name=new&tokenizer=char' }, given);
    const missing = { status: 400, code: 'DATA.TOKENIZER_MISSING', field: '/tokenizer', detail: /byte, char or gpt2/ };
    await expectRefused({ path: '/datasets?name=new', type: 'text/plain', body: 'abc' }, missing);
  });

  it('of another type', async () => {
    const refusal = { status: 415, code: 'API.CONTENT_TYPE_UNKNOWN', field: '/content-type', detail: /x-tokens-u16/ };
    await expectRefused(
      { path: '/datasets?name=new', type: 'application/x-tokens-f32', body: new Uint8Array(8) },
      refusal,
    );
    await expectRefused(
      { path: '/checkpoints:import', type: 'text/plain', body: 'abc' },
      { ...refusal, detail: /octet-stream/ },
    );
  });

  it('under a name that is taken or wrong', async () => {
    const taken = { status: 409, code: 'DATASET.NAME_TAKEN', field: '/name', detail: /small/ };
    await expectRefused({ ...tokens(new Uint8Array(10)), path: '/datasets?name=small' }, taken);
    const wrong = { status: 400, code: 'API.QUERY_INVALID', field: '/name', detail: /1 to 128 characters/ };
    await expectRefused({ ...tokens(new Uint8Array(10)), path: '/datasets?name=a%2Fb' }, wrong);
  });

  it('of text that is no UTF-8', async () => {
    const body = Uint8Array.from([0x61, 0xff, 0x62]);
    const refusal = { status: 400, code: 'DATA.TEXT_NOT_UTF8', detail: /byte 1/ };
    await expectRefused({ path: '/datasets?name=new&tokenizer=byte', type: 'text/plain', body }, refusal);
  });

  it('of a safetensors file that is cut', async () => {
    const whole = await wholeModel();
    for (const bytes of [4, 60]) {
      await expectRefused(model(whole.slice(0, bytes)), {
        status: 400,
        code: 'CHECKPOINT.FILE_TRUNCATED',
        detail: /needs \d+ bytes/,
      });
    }
    const refusal = { status: 400, code: 'CHECKPOINT.OFFSETS_OUT_OF_RANGE', detail: /ends at byte .*cut/ };
    await expectRefused(model(whole.slice(0, -1)), refusal);
  });

  it('of a safetensors file with integer weights, or of something else', async () => {
    const integers = allParameters(sizes).map(({ name, shape }) => ({
      name,
      shape,
      dtype: 'I32' as const,
      read: () => Promise.resolve(new Uint8Array(4 * shape.reduce((product, size) => product * size, 1))),
    }));
    const unsupported = { status: 400, code: 'CHECKPOINT.DTYPE_UNSUPPORTED', detail: /wte\.weight.*I32/ };
    await expectRefused(model(await joined(encodeSafetensors(integers))), unsupported);
    const other = [
      {
        name: 'model.embed_tokens.weight',
        shape: [1],
        dtype: 'F32' as const,
        read: () => Promise.resolve(new Uint8Array(4)),
      },
    ];
    await expectRefused(model(await joined(encodeSafetensors(other))), {
      status: 400,
      code: 'CHECKPOINT.MODEL_UNKNOWN',
      detail: /embed_tokens/,
    });
  });

  it('that is too large, whether it says so or not', async () => {
    const body = new Uint8Array(UPLOAD_BYTES_MAX + 2);
    const refusal = {
      status: 413,
      code: 'API.BODY_TOO_LARGE',
      field: '',
      detail: new RegExp(String(UPLOAD_BYTES_MAX)),
    };
    for (const call of [tokens(body), model(body)]) await expectRefused(call, refusal);
    const unannounced = (): ReadableStream => new Blob([body]).stream();
    await expectRefused({ ...model(body), body: unannounced() }, refusal);
    await expectRefused(
      { ...tokens(body), body: unannounced() },
      { ...refusal, code: 'DATA.UPLOAD_TOO_LARGE', field: undefined },
    );
  });
});

describe('a caller', () => {
  it('with a wrong token or none', async () => {
    const wrong = { status: 401, code: 'AUTH.TOKEN_UNKNOWN', detail: /token/ };
    for (const call of [submit(smallRun('x')), tokens(new Uint8Array(10)), model(await wholeModel())]) {
      await expectRefused({ ...call, token: 'wrong' }, wrong);
    }
    const answer = await fetch(`${cluster.endpoint.http}/api/v1/runs`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(await answer.json()).toMatchObject({ code: 'AUTH.TOKEN_MISSING' });
  });

  it('who asks for what does not exist', async () => {
    for (const path of [
      '/runs/run_nowhere:cancel',
      '/checkpoints/ckpt_nowhere:generate',
      '/agents/agent_nowhere:drain',
      '/nowhere',
    ]) {
      await expectRefused(
        { path, type: 'application/json', body: '{"prompt":"x"}' },
        { status: 404, code: expect.any(String) as string, detail: /./ },
      );
    }
  });
});
