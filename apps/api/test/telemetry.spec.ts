import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentSchema, agentV1, telemetrySeriesSchema } from '@millrace/contracts';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { TELEMETRY_KEPT_MS, TelemetryService } from '../src/ledger/telemetry/telemetry.service';
import { eventually } from './api-under-test';
import { FakeAgent } from './fake-agent';
import { expectProblem, RunningApi, START_MS_MAX } from './running-api';

const NOW = Date.now();
/** A row every 10 s up to now. */
const ROW_COUNT = 100;

describe('telemetry of agents', () => {
  let api: RunningApi;
  let agent: FakeAgent;
  beforeAll(async () => {
    api = await RunningApi.start();
    agent = await new FakeAgent({ id: 'agent_a', grpc: grpc(), token: api.token }).connect();
  }, START_MS_MAX);
  afterAll(async () => {
    agent.disconnect();
    await api.stop();
  }, START_MS_MAX);

  const grpc = (): string => api.application.get(GrpcServer, { strict: false }).address;
  const told = async (): Promise<unknown> =>
    agentSchema.parse(await (await api.call('/agents/agent_a')).json()).telemetry;

  it('shows what the device last told: unknown is null, and numbers that are none are unknown', async () => {
    expect(await told()).toBeNull();
    const value = agentV1.DeviceTelemetry.fromPartial({
      timeMs: 5,
      source: 'nvidia-smi',
      modelName: 'Tesla T4',
      uuid: 'x\0y',
      utilizationPercent: 0,
      memoryUsedBytes: Number.NaN,
      powerW: -1,
      temperatureC: 61.5,
    });
    agent.send({ $case: 'telemetry', value });
    await eventually('telemetry', async () => (await told()) !== null);
    expect(await told()).toMatchObject({
      source: 'nvidia-smi',
      modelName: 'Tesla T4',
      uuid: null,
      utilizationPercent: 0,
      memoryUsedBytes: null,
      memoryTotalBytes: null,
      powerW: null,
      temperatureC: 61.5,
      loadAverage: null,
    });
    const text = await (await api.call('//metrics', { token: null })).text();
    expect(text).toContain('millrace_device_gpu_util_ratio{host="host-1",device="0"} 0\n');
    expect(text).toContain('millrace_device_gpu_temp_celsius{host="host-1",device="0"} 61.5');
    expect(text).not.toMatch(/^millrace_device_power_usage_watts\{/m);
    expect(text).not.toContain('agent_a');
  });

  it('is none of an agent that is gone, or that told nothing for a while', async () => {
    expect(await told()).not.toBeNull();
    const gone = await new FakeAgent({ id: 'agent_gone', grpc: grpc(), token: api.token }).connect();
    const telemetry = await api.prisma.agent.findUniqueOrThrow({
      where: { id: 'agent_a' },
      select: { telemetry: true },
    });
    await api.prisma.agent.update({ where: { id: 'agent_gone' }, data: { telemetry: telemetry.telemetry as object } });
    const ofGone = async (): Promise<unknown> =>
      agentSchema.parse(await (await api.call('/agents/agent_gone')).json()).telemetry;
    expect(await ofGone()).not.toBeNull();
    gone.disconnect();
    await eventually('nothing told', async () => (await ofGone()) === null);
    const old = { ...(telemetry.telemetry as object), time: new Date(Date.now() - 60_000).toISOString() };
    await api.prisma.agent.update({ where: { id: 'agent_a' }, data: { telemetry: old } });
    expect(await told()).toBeNull();
  });

  it('tells both of two agents on one GPU', async () => {
    const adapter = { uuid: 'GPU-1', pciAddress: '0000:3b:00.0', deviceProof: 'nvidia-smi' };
    const agents = ['agent_1', 'agent_2'].map((id) => new FakeAgent({ id, grpc: grpc(), token: api.token, adapter }));
    const welcomes = [];
    for (const each of agents) welcomes.push(await (await each.connect()).take('welcome'));
    expect(welcomes.map(({ sharesDeviceWith }) => sharesDeviceWith)).toEqual([[], ['agent_1']]);
    const body = async (id: string) => agentSchema.parse(await (await api.call(`/agents/${id}`)).json());
    expect(await body('agent_1')).toMatchObject({ sharesDeviceWith: ['agent_2'], adapter });
    const events = await api.prisma.event.findMany({ where: { type: 'agent.device_shared' } });
    expect(events).toMatchObject([{ subject: 'agent_2', data: { sharesDeviceWith: ['agent_1'], uuid: 'GPU-1' } }]);
    for (const each of agents) each.disconnect();
    await eventually('nobody shares', async () => (await body('agent_1')).sharesDeviceWith.length === 0);
  });

  it('serves means of equal parts of the time, with a null where nothing was told', async () => {
    const rows = Array.from({ length: ROW_COUNT }, (_, index) => ({
      agentId: 'agent_a',
      time: new Date(NOW - 3_600_000 + index * 10_000 + (index >= 50 ? 600_000 : 0)),
      utilizationPercent: index % 2 === 0 ? null : index,
      loadAverage: 2,
    }));
    await api.prisma.agentTelemetry.createMany({ data: rows });
    const from = new Date(NOW - 3_600_000).toISOString();
    const to = new Date(NOW - 600_000).toISOString();
    const get = async (points: number) =>
      telemetrySeriesSchema.parse(
        await (await api.call(`/agents/agent_a/telemetry?from=${from}&to=${to}&points=${points}`)).json(),
      ).series;
    const exact = (await get(1000)).utilizationPercent;
    expect(exact).toHaveLength(ROW_COUNT + 1);
    expect(exact.slice(0, 4).map(({ value }) => value)).toEqual([null, 1, null, 3]);
    expect(exact[50]).toEqual({ time: new Date(NOW - 3_600_000 + 795_000).toISOString(), value: null });
    const { utilizationPercent, loadAverage, powerW } = await get(10);
    expect(new Set(loadAverage.map(({ value }) => value))).toEqual(new Set([2, null]));
    expect(powerW.every(({ value }) => value === null)).toBe(true);
    // 300 s hold 30 rows, of which the odd ones are known: 1, 3 … 29.
    expect(utilizationPercent[0]?.value).toBe(15);
  });

  it('is kept for some hours and no longer', async () => {
    const time = new Date(Date.now() - TELEMETRY_KEPT_MS - 1000);
    await api.prisma.agentTelemetry.create({ data: { agentId: 'agent_a', time } });
    await api.application.get(TelemetryService, { strict: false }).prune();
    expect(await api.prisma.agentTelemetry.count({ where: { time: { lte: time } } })).toBe(0);
    expect(await api.prisma.agentTelemetry.count()).toBeGreaterThan(ROW_COUNT - 1);
  });

  it.each(['from=yesterday', 'points=0', 'points=5001', 'to=2026'])('refuses %s', async (query) => {
    await expectProblem(await api.call(`/agents/agent_a/telemetry?${query}`), 400, 'API.QUERY_INVALID');
  });

  it('is not there for agents that are not', async () => {
    await expectProblem(await api.call('/agents/agent_none/telemetry'), 404, 'AGENT.NOT_FOUND');
  });
});
