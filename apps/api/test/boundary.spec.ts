import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashSecret } from '../src/ground/auth/secrets';
import { registeredRoutes } from '../src/boundary/http/allowed-methods';
import { ROUTES } from '../src/boundary/openapi/routes';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

const YAML = { 'content-type': 'application/yaml' };

describe('the REST boundary', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await RunningApi.start();
    await createDataset(api);
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);
  const runCount = (): Promise<number> => api.prisma.run.count();

  describe('tokens', () => {
    it.each([
      ['none', { token: null }, 'AUTH.TOKEN_MISSING'],
      ['a wrong one', { token: 'wrong' }, 'AUTH.TOKEN_UNKNOWN'],
      ['another scheme', { token: null, headers: { authorization: 'Basic eDp5' } }, 'AUTH.TOKEN_MISSING'],
    ])('%s: 401 with WWW-Authenticate', async (_, options, code) => {
      const response = await api.call('/runs', options);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      await expectProblem(response, 401, code);
    });

    it('are not taken from the query', async () => {
      await expectProblem(
        await api.call(`/runs?token=${api.token}&access_token=${api.token}`, { token: null }),
        401,
        'AUTH.TOKEN_MISSING',
      );
    });

    it('of agents do not open the REST API', async () => {
      const agent = { name: 'a', agentId: 'agent_a', scope: ['agents'] };
      await api.prisma.token.create({ data: { id: 'token_a', hash: hashSecret('agent-token'), ...agent } });
      await expectProblem(await api.call('/runs', { token: 'agent-token' }), 403, 'AUTH.ROLE_FORBIDDEN');
    });

    it('are checked before the body is read', async () => {
      const response = await api.call('/runs', {
        method: 'POST',
        token: 'wrong',
        body: '{',
        headers: { 'content-type': 'application/json' },
      });
      await expectProblem(response, 401, 'AUTH.TOKEN_UNKNOWN');
    });

    it('are not needed for health, metrics and the OpenAPI document', async () => {
      for (const path of ['//healthz', '//readyz', '//metrics', '//api/openapi.json']) {
        expect((await api.call(path, { token: null })).status).toBe(200);
      }
    });
  });

  describe('addresses', () => {
    it('that do not exist are 404', async () => {
      await expectProblem(await api.call('/nothing'), 404, 'API.ROUTE_NOT_FOUND');
      await expectProblem(await api.call('//nowhere.js'), 404, 'API.ROUTE_NOT_FOUND');
    });

    it('with another method are 405 with Allow', async () => {
      const response = await api.call('/runs/run_x', { method: 'PATCH' });
      expect(response.headers.get('allow')).toBe('DELETE, GET, HEAD');
      await expectProblem(response, 405, 'API.METHOD_NOT_ALLOWED');
    });

    it.each([
      ['GET', '/runs/run_unknown', 'RUN.NOT_FOUND'],
      ['GET', '/runs/%00', 'RUN.NOT_FOUND'],
      ['GET', '/runs/a%2Fb', 'RUN.NOT_FOUND'],
      ['DELETE', '/runs/run_unknown', 'RUN.NOT_FOUND'],
      ['POST', '/runs/run_x:cancel', 'RUN.NOT_FOUND'],
      ['POST', '/runs/run_x%3Acancel', 'RUN.NOT_FOUND'],
      ['POST', '/runs/run_x:pause', 'RUN.NOT_FOUND'],
      ['POST', '/runs/run_x:resume', 'RUN.NOT_FOUND'],
      ['POST', '/runs/run_x:checkpoint', 'RUN.NOT_FOUND'],
      ['GET', '/runs/run_x/metrics?name=a', 'RUN.NOT_FOUND'],
      ['GET', '/runs/run_x/logs', 'RUN.NOT_FOUND'],
      ['GET', '/runs/run_x/events', 'RUN.NOT_FOUND'],
      ['GET', '/runs/run_x/timeline', 'RUN.NOT_FOUND'],
      ['GET', '/runs/run_x/checkpoints', 'RUN.NOT_FOUND'],
      ['GET', '/checkpoints/x', 'CHECKPOINT.NOT_FOUND'],
      ['GET', '/checkpoints/%00/model.safetensors', 'CHECKPOINT.NOT_FOUND'],
      ['DELETE', '/checkpoints/x', 'CHECKPOINT.NOT_FOUND'],
      ['GET', '/datasets/x', 'DATASET.NOT_FOUND'],
      ['DELETE', '/datasets/x', 'DATASET.NOT_FOUND'],
      ['GET', '/agents/x', 'AGENT.NOT_FOUND'],
      ['POST', '/agents/x:drain', 'AGENT.NOT_FOUND'],
      ['POST', '/agents/x:undrain', 'AGENT.NOT_FOUND'],
      ['GET', '/agents/%00', 'AGENT.NOT_FOUND'],
    ])('%s %s: 404', async (method, path, code) => {
      await expectProblem(await api.call(path, { method }), 404, code);
    });

    it('with broken percent-encoding are 400', async () => {
      expect((await api.call('/runs/%E0%A4%A')).status).toBe(400);
    });

    it('answer what nobody may keep, refusals too', async () => {
      for (const path of ['/runs', '/checkpoints/x/model.safetensors', '/session', '/nothing']) {
        const { headers } = await api.call(path);
        expect([path, headers.get('cache-control')]).toEqual([path, 'private, no-store']);
      }
      const headers = { range: 'bytes=100000000-' };
      await expectProblem(await api.call('//api/docs/swagger-ui.css', { headers }), 416, 'API.RANGE_BEYOND_FILE');
    });

    it('answer HEAD like GET without a body', async () => {
      const response = await api.call('/runs', { method: 'HEAD' });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('');
    });

    it('are all in the OpenAPI document, and no others', () => {
      const registered = registeredRoutes(api.application.getHttpAdapter().getInstance()).map(
        ({ method, path }) => `${method} ${path}`,
      );
      expect(registered.sort()).toEqual(ROUTES.map(({ route }) => route).sort());
    });
  });

  describe('documents', () => {
    it.each([
      ['JSON that ends early', '{"name":', 'application/json', 400, 'API.DOCUMENT_MALFORMED'],
      ['an empty body', '', 'application/json', 400, 'API.DOCUMENT_MALFORMED'],
      ['YAML with bad indentation', 'a:\n  b: 1\n c: 2', 'application/yaml', 400, 'API.DOCUMENT_MALFORMED'],
      ['YAML with a key twice', 'name: a\nname: b', 'application/yaml', 400, 'API.DOCUMENT_MALFORMED'],
      ['another content type', '<a/>', 'application/xml', 415, 'API.CONTENT_TYPE_UNKNOWN'],
      ['another charset', '{}', 'application/json; charset=utf-16', 415, 'API.CONTENT_TYPE_UNKNOWN'],
      ['a list', '[]', 'application/json', 400, 'RUN.SPEC_INVALID'],
      [
        'a body of more than 1 MiB',
        `{"name":"${'x'.repeat(1024 ** 2)}"}`,
        'application/json',
        413,
        'API.BODY_TOO_LARGE',
      ],
    ])('%s', async (_, body, contentType, status, code) => {
      const before = await runCount();
      await expectProblem(
        await api.call('/runs', { method: 'POST', body, headers: { 'content-type': contentType } }),
        status,
        code,
      );
      expect(await runCount()).toBe(before);
    });

    it('without a token are a few KB of JSON', async () => {
      const post = (body: string, headers: Record<string, string>): Promise<Response> =>
        api.call('/session', { method: 'POST', body, headers, token: null });
      await expectProblem(await post('['.repeat(2000), YAML), 400, 'API.YAML_FORBIDDEN');
      const long = JSON.stringify({ token: 'x'.repeat(5000) });
      await expectProblem(await post(long, { 'content-type': 'application/json' }), 413, 'API.BODY_TOO_LARGE');
    });

    it.each([
      ['nests without end', '['.repeat(2000)],
      ['has keys that are collections', '? '.repeat(442)],
      ['has thirty thousand keys that are not those of a spec', 'k: 1\n'.repeat(30_000)],
    ])('in YAML that %s: 400', async (_, body) => {
      const response = await api.call('/runs', { method: 'POST', body, headers: YAML });
      await expectProblem(response, 400, 'API.DOCUMENT_MALFORMED');
    });

    it('that are not UTF-8 or are compressed are refused', async () => {
      const headers = { 'content-type': 'application/json' };
      const bytes = Uint8Array.of(0x22, 0xff, 0x22);
      await expectProblem(
        await api.call('/runs', { method: 'POST', body: bytes, headers }),
        400,
        'API.DOCUMENT_MALFORMED',
      );
      const gzip = { ...headers, 'content-encoding': 'gzip' };
      await expectProblem(
        await api.call('/runs', { method: 'POST', body: '{}', headers: gzip }),
        415,
        'API.CONTENT_ENCODING_UNKNOWN',
      );
    });

    it('with YAML aliases that grow without bound are refused', async () => {
      const levels = Array.from(
        { length: 9 },
        (_, level) => `a${level + 1}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(',')}]`,
      );
      const response = await api.call('/runs', {
        method: 'POST',
        headers: YAML,
        body: `a0: &a0 [x]\n${levels.join('\n')}`,
      });
      await expectProblem(response, 400, 'API.DOCUMENT_MALFORMED');
    });

    it('a megabyte sent without a length is refused all the same', async () => {
      const body = new ReadableStream({
        start(controller): void {
          for (let index = 0; index < 20; index++) controller.enqueue(new Uint8Array(65_536));
          controller.close();
        },
      });
      const init = {
        method: 'POST',
        body,
        duplex: 'half',
        headers: { 'content-type': 'application/json' },
      } as RequestInit;
      await expectProblem(await api.call('/runs', init), 413, 'API.BODY_TOO_LARGE');
    });

    it.each([
      ['an unknown key', { extra: 1 }, '/extra'],
      ['more stages than layers', { parallel: { pp: 3 } }, '/parallel/pp'],
      [
        'a batch that does not divide',
        { train: { steps: 1, batch: { global: 3, micro: 2 }, optimizer: { type: 'adamw', lr: 1 } } },
        '/train/batch/global',
      ],
      ['a missing dataset', { data: { dataset: 'nowhere' } }, '/data/dataset'],
      [
        'a family that nobody has',
        { model: { family: 'bert', layers: 2, heads: 2, hidden: 8, context: 8 } },
        '/model/family',
      ],
      [
        'a setting that the family has not',
        { model: { family: 'gpt2', layers: 2, heads: 2, hidden: 8, context: 8, ropeTheta: 10_000 } },
        '/model/ropeTheta',
      ],
    ])('%s: 400 naming the field, and nothing is stored', async (_, changes, path) => {
      const before = await runCount();
      const response = await api.post('/runs', runSpec(changes));
      const problem = (await response.json()) as { errors: { path: string }[] };
      expect(response.status).toBe(400);
      expect(problem.errors.map((error) => error.path)).toContain(path);
      expect(await runCount()).toBe(before);
    });

    it('are taken as JSON and as YAML', async () => {
      expect((await api.post('/runs', runSpec())).status).toBe(201);
      const yaml = [
        'name: test',
        'model: { family: gpt2, layers: 2, heads: 2, hidden: 8, context: 8 }',
        'data: { dataset: corpus }',
        'train: { steps: 2, batch: { global: 2, micro: 1 }, optimizer: { type: adamw, lr: 1.0e-3 } }',
      ].join('\n');
      expect((await api.call('/runs', { method: 'POST', body: yaml, headers: YAML })).status).toBe(201);
    });

    it('dryRun answers 200 with the plan and stores nothing; anything but true and false is refused', async () => {
      const before = await runCount();
      const response = await api.post('/runs?dryRun=true', runSpec());
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        stages: [{ rank: 0 }],
        schedule: { name: '1f1b', microBatches: 2 },
        notes: [],
      });
      const rounded = await api.post('/runs?dryRun=true', runSpec({ parallel: { pp: 2, wire: 'f16' } }));
      expect(await rounded.json()).toMatchObject({ notes: [expect.stringMatching(/^parallel.wire f16 rounds/)] });
      const problem = await expectProblem(await api.post('/runs?dryRun=yes', runSpec()), 400, 'API.QUERY_INVALID');
      expect(problem.errors?.[0]?.path).toBe('/dryRun');
      expect(await runCount()).toBe(before);
    });
  });

  describe('timelines', () => {
    it.each([
      ['format=svg', '/format'],
      ['steps=0', '/steps'],
      ['steps=51', '/steps'],
    ])('%s is refused', async (query, path) => {
      const problem = await expectProblem(await api.call(`/runs/run_x/timeline?${query}`), 400, 'API.QUERY_INVALID');
      expect(problem.errors?.[0]?.path).toBe(path);
    });
  });

  describe('lists', () => {
    it.each(['0', '1001', '-1', 'ten', '1.5'])('limit=%s is refused', async (limit) => {
      const problem = await expectProblem(await api.call(`/datasets?limit=${limit}`), 400, 'API.QUERY_INVALID');
      expect(problem.errors?.[0]?.path).toBe('/limit');
    });

    it.each(['/datasets', '/runs', '/agents'])('a cursor that %s did not give is refused by name', async (path) => {
      const response = await api.call(`${path}?cursor=%21nonsense`);
      expect(response.status).toBe(400);
      expect(((await response.json()) as { errors: { path: string }[] }).errors[0]?.path).toBe('/cursor');
    });

    it('page through everything once, in order', async () => {
      for (const name of ['a', 'b', 'c', 'd']) await createDataset(api, name);
      const names: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page = (await (await api.call(`/datasets?limit=2${query}`)).json()) as {
          items: { name: string }[];
          nextCursor: string | null;
        };
        names.push(...page.items.map(({ name }) => name));
        cursor = page.nextCursor;
      }
      expect(names).toEqual(['d', 'c', 'b', 'a', 'corpus']);
    });
  });

  describe('headers', () => {
    it('ETag is strong; If-None-Match gives 304, a wrong If-Match 412', async () => {
      const { id } = await createDataset(api, 'etag');
      const etag = (await api.call(`/datasets/${id}`)).headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[\w-]{27}"$/);
      expect((await api.call(`/datasets/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(304);
      await expectProblem(
        await api.call(`/datasets/${id}`, { method: 'DELETE', headers: { 'if-match': '"other"' } }),
        412,
        'API.ETAG_DIFFERS',
      );
      expect((await api.call(`/datasets/${id}`, { method: 'DELETE', headers: { 'if-match': etag } })).status).toBe(204);
    });

    it('are those of helmet, with a request id and without the framework', async () => {
      const { headers } = await api.call('/runs');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-z]{16}$/);
      expect(headers.has('x-powered-by')).toBe(false);
    });
  });
});
