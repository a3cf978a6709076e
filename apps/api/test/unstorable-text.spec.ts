import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { agentV1, runV1 } from '@millrace/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { bearer } from './fake-agent';
import { ROUTES } from '../src/boundary/openapi/routes';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

const code = (call: (done: (error: ServiceError | Error | null) => void) => void): Promise<number> =>
  new Promise((resolve) => call((error) => resolve(error === null ? status.OK : (error as ServiceError).code)));
const cursor = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url');
const plainCursor = (text: string): string => Buffer.from(text).toString('base64url');

describe('text and numbers that the database cannot hold', () => {
  let api: RunningApi;
  let id: string;
  beforeAll(async () => {
    api = await RunningApi.start({ MILLRACE_REQUESTS_PER_SECOND: '1000000' });
    await createDataset(api);
    id = ((await (await api.post('/runs', runSpec())).json()) as { id: string }).id;
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  it.each([
    ['/runs?name=%00', '/name'],
    ['/runs/RUN/logs?level=%00', '/level'],
    ['/runs/RUN/metrics?name=%00', '/name'],
    [`/runs/RUN/metrics?name=train/loss&cursor=${cursor([2 ** 31])}`, '/cursor'],
    [`/runs/RUN/checkpoints?cursor=${cursor([2 ** 31, 'ckpt_x'])}`, '/cursor'],
    [`/runs/RUN/checkpoints?cursor=${cursor([1, 'a\0'])}`, '/cursor'],
    [`/datasets?cursor=${cursor(['2026-01-01T00:00:00Z', 'a\0'])}`, '/cursor'],
    [`/runs?cursor=${plainCursor('1 a\0')}`, '/cursor'],
    [`/runs?cursor=${plainCursor('-8640000000000000 a')}`, '/cursor'],
    [`/agents?cursor=${plainCursor('agent a\0')}`, '/cursor'],
  ])('%s is refused by field', async (path, field) => {
    const response = await api.call(path.replace('RUN', id));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ path: field }] });
  });

  it.each([
    ['/model/init/id', { model: { ...(runSpec()['model'] as object), init: { from: 'checkpoint', id: 'a\0' } } }],
    ['/resources/labels/zone', { resources: { labels: { zone: 'a\0' } } }],
    ['/resources/include/0', { resources: { include: ['\ud800'] } }],
    ['/resources/exclude/1', { resources: { exclude: ['fine \u{1f600}', '\udc00'] } }],
    ['/data/dataset', { data: { dataset: 'a\0' } }],
  ])('a run spec with one in %s is refused by field', async (path, changes) => {
    const problem = await expectProblem(await api.post('/runs', runSpec(changes)), 400, 'RUN.SPEC_INVALID');
    expect(problem.errors?.map((error) => error.path)).toEqual([path]);
  });

  it('a name of a label with NUL is refused', async () => {
    const spec = runSpec({ resources: { labels: { 'a\0': 'b' } } });
    await expectProblem(await api.post('/runs', spec), 400, 'RUN.SPEC_INVALID');
  });

  /** Yields the document once for each of its texts, with a NUL or half a character in that text. */
  function* spoiled(document: unknown): Generator<unknown> {
    for (const bad of ['a\0', '\ud800']) {
      if (typeof document === 'string') yield bad;
      if (typeof document !== 'object' || document === null) continue;
      for (const [key, value] of Object.entries(document)) {
        for (const each of spoiled(value)) yield Object.assign(structuredClone(document), { [key]: each });
      }
    }
  }

  it('cost no request an error of the API: every id, query and text of a body', async () => {
    const failed: string[] = [];
    const ask = async (method: string, path: string, init: RequestInit = {}): Promise<void> => {
      const abort = new AbortController();
      const answer = await api.call(`/${path}`, { ...init, method, signal: abort.signal });
      abort.abort();
      if (answer.status >= 500) failed.push(`${method} ${path} ${String(init.body)}: ${answer.status}`);
    };
    for (const { route, query, body } of ROUTES) {
      const [method = '', path = ''] = route.split(' ');
      await ask(method, path.replace(/\{\w+\}/, '%00'));
      const known = path.replace('runs/{id}', `runs/${id}`).replace(/\{\w+\}/, 'x');
      for (const name of Object.keys(query?.shape ?? {})) await ask(method, `${known}?${name}=a%00`);
      for (const document of spoiled(body?.example)) {
        const init = { body: JSON.stringify(document), headers: { 'content-type': 'application/json' } };
        await ask(method, known, init);
      }
    }
    expect(failed).toEqual([]);
  });

  it.each([
    ['char', 'text/plain', 'a\0b'.repeat(50)],
    ['byte', 'text/plain', 'a\0b'.repeat(50)],
    ['char', 'application/x-ndjson', `${JSON.stringify({ text: 'a\0\ud800b'.repeat(50) })}\n`],
  ])('a corpus with one is taken with tokenizer %s, or refused (%s)', async (tokenizer, type, text) => {
    const path = `/datasets?name=nul-${tokenizer}-${type.slice(-4)}&tokenizer=${tokenizer}`;
    const made = await api.call(path, { method: 'POST', body: text, headers: { 'content-type': type } });
    const answer: unknown = await made.json();
    expect([201, 400], JSON.stringify(answer)).toContain(made.status);
    if (made.status !== 201) return;
    const preview = await api.call(`/datasets/${(answer as { id: string }).id}/preview`);
    expect(preview.status).toBe(200);
  });

  it('a name of a tensor with one is refused', async () => {
    const header = JSON.stringify({ 'a\0': { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const body = Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]);
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await api.call('/checkpoints:import', { method: 'POST', body, headers })).status).toBe(400);
  });

  it('cost no call over gRPC an error of the API', async () => {
    const { address } = api.application.get(GrpcServer, { strict: false });
    const runs = new runV1.RunServiceClient(address, credentials.createInsecure());
    const agents = new agentV1.AgentServiceClient(address, credentials.createInsecure());
    const metadata = bearer(api.token);
    const request = { agentId: 'agent_x', host: 'h\0', device: 0 };
    const codes = await Promise.all([
      code((done) => runs.get({ id: 'a\0' }, metadata, done)),
      code((done) => runs.cancel({ id: 'a\0' }, metadata, done)),
      code(
        (done) =>
          void runs
            .watch({ id: 'a\0' }, metadata)
            .on('error', done)
            .on('data', () => undefined),
      ),
      ...(['state', 'project', 'name', 'cursor'] as const).map((name) =>
        code((done) => runs.list(runV1.ListRequest.fromPartial({ [name]: 'a\0' }), metadata, done)),
      ),
      code((done) => agents.enroll({ ...request, agentId: 'a\0' }, metadata, done)),
      code((done) => agents.enroll(request, metadata, done)),
    ]);
    runs.close();
    agents.close();
    expect(codes).not.toContain(status.INTERNAL);
    expect(codes).not.toContain(status.UNKNOWN);
  });

  it.each([
    ['GET', '/agents/%00'],
    ['POST', '/agents/%00:drain'],
    ['GET', '/runs/%00'],
    ['DELETE', '/runs/%00'],
    ['GET', '/runs/%00/metrics?name=train/loss'],
    ['GET', '/runs/%00/logs'],
    ['GET', '/runs/%00/checkpoints'],
    ['GET', '/runs/%00/timeline'],
    ['POST', '/runs/%00:cancel'],
    ['POST', '/runs/%00:checkpoint'],
    ['GET', '/checkpoints/%00'],
    ['GET', '/checkpoints/%00/model.safetensors'],
    ['DELETE', '/checkpoints/%00'],
    ['GET', '/datasets/%00'],
    ['DELETE', '/datasets/%00'],
  ])('%s %s: nothing has such an id', async (method, path) => {
    const headers: Record<string, string> = method === 'GET' ? {} : { 'idempotency-key': `${method} ${path}` };
    expect((await api.call(path, { method, headers })).status).toBe(404);
  });
});
