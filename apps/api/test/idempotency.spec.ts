import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GenerateService } from '../src/requests/generate/generate.service';
import { IdempotencyRepository } from '../src/requests/idempotency/idempotency.repository';
import { RunAdmissionService } from '../src/requests/runs/run-admission.service';
import { setDatabaseAhead } from './set-database-ahead';
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

  /** The process dies after the request's transaction: nothing else happens, and its reservation runs out. */
  async function dyingAfterCommit(act: () => Promise<Response>): Promise<void> {
    const keys = api.application.get(IdempotencyRepository, { strict: false });
    const { complete, release } = keys;
    keys.complete = () => Promise.reject(new Error('the process died'));
    keys.release = () => Promise.resolve();
    try {
      expect((await act()).status).toBe(500);
    } finally {
      Object.assign(keys, { complete, release });
    }
    await setDatabaseAhead(api.databaseUrl, 120);
  }

  it('whose first try died after it was carried out are not carried out again, and get its answer', async () => {
    const before = await api.prisma.run.count();
    await dyingAfterCommit(() => submit('key-4'));
    const again = await submit('key-4');
    const { id } = (await again.json()) as { id: string };
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(await api.prisma.run.count({ where: { id } })).toBe(1);
    expect(await api.prisma.run.count()).toBe(before + 1);
  });

  it('whose answer had a secret and is lost say so, and do not do the work again', async () => {
    const before = await api.prisma.joinToken.count();
    const make = (): Promise<Response> => api.post('/join-tokens', {}, { 'idempotency-key': 'key-5' });
    await dyingAfterCommit(make);
    await expectProblem(await make(), 409, 'API.IDEMPOTENCY_SECRET_TOLD');
    expect(await api.prisma.joinToken.count()).toBe(before + 1);
  });

  it('that lost their key to another try change nothing', async () => {
    const before = await api.prisma.run.count();
    const runs = api.application.get(RunAdmissionService, { strict: false });
    const { admit } = runs;
    runs.admit = async (...given) => {
      await api.prisma.idempotencyKey.updateMany({ where: { key: 'key-6' }, data: { holder: 'another' } });
      return admit.apply(runs, given);
    };
    try {
      await expectProblem(await submit('key-6'), 409, 'API.IDEMPOTENCY_KEY_IN_FLIGHT');
    } finally {
      runs.admit = admit;
    }
    expect(await api.prisma.run.count()).toBe(before);
  });

  it('for a text are not generated again, also where a model wrote what no document of the database holds', async () => {
    const checkpoint = { id: 'ckpt_x', step: 1, fence: 1, state: 'durable', parts: {}, manifest: {} };
    await api.prisma.checkpoint.create({ data: checkpoint });
    const text = 'a\0b\ud800';
    const generator = api.application.get(GenerateService, { strict: false });
    const generate = vi.spyOn(generator, 'generate').mockImplementation(async () => ({ text, tokens: 3 }));
    const ask = (): Promise<Response> =>
      api.post('/checkpoints/ckpt_x:generate', { prompt: 'b' }, { 'idempotency-key': 'key-text' });
    for (const replayed of [null, 'true']) {
      const response = await ask();
      expect([response.status, await response.json()]).toEqual([200, { text, tokens: 3 }]);
      expect(response.headers.get('idempotency-replayed')).toBe(replayed);
    }
    expect(generate).toHaveBeenCalledTimes(1);
    generate.mockRestore();
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
