import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

const cursor = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url');
const plainCursor = (text: string): string => Buffer.from(text).toString('base64url');

describe('text and numbers that the database cannot hold', () => {
  let api: RunningApi;
  let id: string;
  beforeAll(async () => {
    api = await RunningApi.start();
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
