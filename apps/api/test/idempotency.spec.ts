import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

describe('repeated requests', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await RunningApi.start();
    await createDataset(api);
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  const submit = (key: string, spec = runSpec()): Promise<Response> =>
    api.post('/runs', spec, { 'idempotency-key': key });

  it('with the same key get the first answer, also from an API that was started again', async () => {
    const first = await submit('key-1');
    const body: unknown = await first.json();
    await api.restart();
    const second = await submit('key-1');
    expect([second.status, await second.json(), second.headers.get('idempotency-replayed')]).toEqual([
      first.status,
      body,
      'true',
    ]);
    expect(await api.prisma.run.count()).toBe(1);
  });

  it('with the same key and another body are refused', async () => {
    await expectProblem(await submit('key-1', runSpec({ name: 'other' })), 422, 'API.IDEMPOTENCY_KEY_REUSED');
  });

  it('that come at once do the work once', async () => {
    const before = await api.prisma.run.count();
    const responses = await Promise.all(Array.from({ length: 5 }, () => submit('key-2')));
    expect(new Set(responses.map(({ status }) => status))).toEqual(
      new Set([201, 409].filter((status) => responses.some((r) => r.status === status))),
    );
    expect(await api.prisma.run.count()).toBe(before + 1);
  });

  it('after an error do the work', async () => {
    expect((await submit('key-3', runSpec({ extra: 1 }))).status).toBe(400);
    expect((await submit('key-3')).status).toBe(201);
  });

  it('with a key that is none are refused', async () => {
    await expectProblem(await submit('x'.repeat(256)), 400, 'API.IDEMPOTENCY_KEY_INVALID');
  });
});

describe('a token that asks too often', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await RunningApi.start({ MILLRACE_REQUESTS_PER_SECOND: '5' });
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  it('gets 429 with Retry-After, then answers again; public routes go on', async () => {
    const responses = await Promise.all(Array.from({ length: 40 }, () => api.call('/datasets/none')));
    const refused = responses.filter(({ status }) => status === 429);
    const [first] = refused;
    expect(refused.length).toBeGreaterThan(0);
    expect(Number(first?.headers.get('retry-after'))).toBeGreaterThan(0);
    await expectProblem(first as Response, 429, 'API.RATE_LIMITED');
    expect((await api.call('//healthz', { token: null })).status).toBe(200);
    await expect
      .poll(async () => (await api.call('/datasets/none')).status, { timeout: 10_000, interval: 1_500 })
      .toBe(404);
  });
});
