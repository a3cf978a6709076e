import { silentLogger } from '@millrace/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClusterCountsRepository } from '../src/boundary/prometheus/cluster-counts.repository';
import { ReadinessService } from '../src/boundary/health/readiness.service';
import { eventually } from './api-under-test';
import { RunningApi, START_MS_MAX } from './running-api';

describe('health', () => {
  let api: RunningApi;
  const log: { part?: string; reason?: string }[] = [];
  beforeAll(async () => {
    const warn = (fields: object): void => void log.push(fields);
    api = await RunningApi.start({}, { ...silentLogger, warn });
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  it('is ready when database and queue answer', async () => {
    const response = await api.call('//readyz', { token: null });
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'ok', checks: { database: 'ok', disk: 'ok', queue: 'ok' } },
    ]);
  });

  it('is looked at once a second however many ask, since it needs no token', async () => {
    const readiness = api.application.get(ReadinessService, { strict: false });
    let looked = 0;
    readiness.register('counted', async () => looked++);
    const collected = vi.spyOn(api.application.get(ClusterCountsRepository, { strict: false }), 'read');
    const ask = (path: string): Promise<number[]> =>
      Promise.all(Array.from({ length: 50 }, async () => (await api.call(path, { token: null })).status));
    // Each second has one look, and asking takes a few.
    const startMs = performance.now();
    expect(new Set(await ask('//readyz'))).toEqual(new Set([200]));
    expect(new Set(await ask('//metrics'))).toEqual(new Set([200]));
    const looksMax = 2 + (performance.now() - startMs) / 1_000;
    expect(looked).toBeLessThanOrEqual(looksMax);
    expect(collected.mock.calls.length).toBeLessThanOrEqual(looksMax);
    collected.mockRestore();
  });

  it('is not ready when a part fails or does not answer; why is in the log and told to no stranger', async () => {
    const readiness = api.application.get(ReadinessService, { strict: false });
    readiness.register('broken', () => Promise.reject(new RangeError('out of order')));
    readiness.register('silent', () => new Promise(() => undefined));
    const response = await eventually('the report before is forgotten', async () => {
      const answer = await api.call('//readyz', { token: null });
      return answer.status === 503 && answer;
    });
    const checks = { broken: 'failing', silent: 'failing', database: 'ok' };
    expect(await response.json()).toMatchObject({ status: 'unavailable', checks });
    const reasons = [...log].map(({ part, reason }) => [part, reason]);
    expect(reasons).toContainEqual(['broken', 'out of order']);
    expect(reasons).toContainEqual(['silent', 'no answer within 2000 ms']);
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
