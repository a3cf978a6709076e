import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReadinessService } from '../src/boundary/health/readiness.service';
import { RunningApi, START_MS_MAX } from './running-api';

describe('health', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await RunningApi.start();
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  it('is ready when database and queue answer', async () => {
    const response = await api.call('//readyz', { token: null });
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'ok', checks: { database: 'ok', queue: 'ok' } },
    ]);
  });

  it('is not ready, and says why, when a part fails or does not answer', async () => {
    const readiness = api.application.get(ReadinessService, { strict: false });
    readiness.register('broken', () => Promise.reject(new RangeError('out of order')));
    readiness.register('silent', () => new Promise(() => undefined));
    const response = await api.call('//readyz', { token: null });
    const checks = { broken: 'out of order', silent: 'no answer within 2000 ms' };
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'unavailable', checks });
  });

  it('gives Prometheus routes by their pattern, without ids', async () => {
    await api.call('/runs/run_secret1');
    const response = await api.call('//metrics', { token: null });
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    expect(text).toContain('route="/api/v1/runs/:id"');
    expect(text).not.toContain('run_secret1');
    expect(text).toContain('millrace_agent_heartbeat_lateness_seconds_bucket');
    expect(text.match(/millrace_runs\{state="queued"\} 0/)).not.toBeNull();
  });
});
