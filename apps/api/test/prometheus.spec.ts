import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentV1 } from '@millrace/contracts';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { PrometheusService } from '../src/ground/prometheus/prometheus.service';
import { eventually } from './api-under-test';
import { lintFamilies, type MetricFamily, parseExposition } from './exposition';
import { FakeAgent } from './fake-agent';
import { prometheusPage } from './prometheus-page';
import { createDataset, RunningApi, runSpec, START_MS_MAX } from './running-api';

const PAGE = join(__dirname, '../../../docs/prometheus.md');
const PROMTOOL = spawnSync('promtool', ['--version']).error === undefined;

describe('/metrics', () => {
  let api: RunningApi;
  let agent: FakeAgent;
  let families: MetricFamily[];
  let text: string;

  beforeAll(async () => {
    api = await RunningApi.start();
    const { address } = api.application.get(GrpcServer, { strict: false });
    agent = await new FakeAgent({ id: 'agent_secret', grpc: address, token: api.token }).connect();
    const value = agentV1.DeviceTelemetry.fromPartial({ source: 'nvidia-smi', modelName: 'Tesla "T4"\\', powerW: 70 });
    agent.send({ $case: 'telemetry', value });
    await createDataset(api);
    const { id } = (await (await api.post('/runs', runSpec({ queue: 'night', parallel: { pp: 1 } }))).json()) as {
      id: string;
    };
    await agent.attempt(id);
    await api.post('/runs', runSpec({ queue: 'night', parallel: { pp: 2 } }));
    text = await eventually('all of it', async () => {
      const now = await (await api.call('//metrics', { token: null })).text();
      return now.includes('millrace_device_info{') && now.includes('status="inadmissible"') && now;
    });
    families = parseExposition(text);
    expect(text).not.toContain(id);
  }, START_MS_MAX);
  afterAll(async () => {
    agent.disconnect();
    await api.stop();
  }, START_MS_MAX);

  const samples = (name: string): MetricFamily['samples'] =>
    families.find((family) => family.name === name)?.samples ?? [];
  const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
    samples(name).find((sample) => Object.entries(labels).every(([key, text]) => sample.labels[key] === text))?.value;

  it('keeps the rules of Prometheus, by a parser of our own', () => {
    expect(lintFamilies(families)).toEqual([]);
  });

  it('passes promtool check metrics', ({ skip }) => {
    if (!PROMTOOL) skip('no promtool: it is in Debian’s package prometheus');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('counts sessions, leases, jobs and runs on their way to devices', () => {
    expect(value('millrace_sessions')).toBe(1);
    expect(value('millrace_leases')).toBe(1);
    expect(value('millrace_agents', { state: 'connected' })).toBe(1);
    expect(value('millrace_runs', { state: 'queued' })).toBe(1);
    expect(value('millrace_pending_workloads', { queue: 'night', status: 'inadmissible' })).toBe(1);
    expect(value('millrace_admitted_active_workloads', { queue: 'night' })).toBe(1);
    expect(
      samples('millrace_admission_wait_time_seconds').some(({ name, value }) => name.endsWith('_count') && value === 1),
    ).toBe(true);
    expect(
      samples('millrace_queue_jobs')
        .map(({ labels }) => labels['state'])
        .sort(),
    ).toEqual(['active', 'delayed', 'failed', 'prioritized', 'waiting']);
    expect(value('millrace_queue_jobs', { state: 'delayed' })).toBeGreaterThan(0);
    expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
  });

  it('has devices by host and device, and no sample for what is unknown', () => {
    const device = { host: 'host-1', device: '0' };
    expect(value('millrace_device_power_usage_watts', device)).toBe(70);
    expect(samples('millrace_device_gpu_temp_celsius')).toEqual([]);
    expect(value('millrace_agent_heartbeat_age_seconds', device)).toBeGreaterThanOrEqual(0);
    expect(text).toContain('model_name="Tesla \\"T4\\"\\\\"');
    expect(text).not.toContain('agent_secret');
  });

  it('is described by docs/prometheus.md (vitest -u writes it)', async () => {
    const { registry } = api.application.get(PrometheusService, { strict: false });
    await expect(prometheusPage(registry)).toMatchFileSnapshot(PAGE);
  });
});
