import { credentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentV1 } from '@millrace/contracts';
import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { TraceStore } from '../src/ground/tracing/trace-store';
import { type ApiUnderTest, eventually, startApi, temporaryHome, TOKEN } from './api-under-test';
import { type Attempt, bearer, FakeAgent, sha256 } from './fake-agent';
import { createDataset, tinySpec } from './run-specs';

const SLOW_MS = 180_000;

describe('an enrolled agent that knows the run and fence of others', { timeout: SLOW_MS }, () => {
  let postgres: TemporaryPostgres;
  let home: Awaited<ReturnType<typeof temporaryHome>>;
  let api: ApiUnderTest;
  let member: FakeAgent;
  let stranger: FakeAgent;
  let attempt: Attempt;

  beforeAll(async () => {
    postgres = await startTemporaryPostgres();
    home = await temporaryHome();
    api = await startApi({ databaseUrl: await postgres.createDatabase('others'), home: home.path, leaseMs: 10_000 });
    await createDataset(api.prisma);
    member = await connect('agent_member');
    const { id } = await api.runs.submit(tinySpec({ parallel: { pp: 1 } }), 'tester');
    attempt = await member.attempt(id);
    member.begin(attempt);
    await eventually('running', async () => (await api.runs.get(id)).state === 'running');
    stranger = await connect('agent_stranger');
  }, SLOW_MS);
  afterAll(async () => {
    member.disconnect();
    stranger.disconnect();
    await api.close();
    await home.remove();
    await postgres.stop();
  }, SLOW_MS);

  async function connect(id: string): Promise<FakeAgent> {
    const client = new agentV1.AgentServiceClient(api.grpc, credentials.createInsecure());
    const token = await new Promise<string>((resolve, reject) => {
      client.enroll({ agentId: id, host: 'h', device: 0 }, bearer(TOKEN), (error, answer) => {
        client.close();
        if (error) reject(error);
        else resolve(answer.credential);
      });
    });
    return new FakeAgent({ id, grpc: api.grpc, token }).connect();
  }
  const codeOf = (error: unknown): unknown => (error as ServiceError).metadata.get('millrace-code')[0];
  const refusal = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'none', codeOf);
  const acknowledged = (agent: FakeAgent, sequence: number): Promise<unknown> =>
    agent.take('ack', ({ metrics }) => metrics === sequence);

  it('writes no metrics, logs, traces or links for them, and is told that they are dealt with', async () => {
    const { runId, fence } = attempt;
    const line = { timeMs: 1, level: 'info', stage: 0, text: 'forged' };
    stranger.send({ $case: 'logs', value: { sequence: 1, runId, fence, lines: [line] } });
    stranger.trace(attempt, 3, { F: 1, I: 1, W: 1 });
    const link = { runId, fence, toRank: 0, latencySeconds: 1, bytesPerSecond: 1 };
    stranger.send({ $case: 'linkMeasured', value: link });
    await acknowledged(stranger, stranger.metrics(attempt, { 'train/loss': [4, 99] }));
    expect(await api.prisma.metricPoint.count({ where: { runId } })).toBe(0);
    expect(await api.prisma.logLine.count({ where: { runId } })).toBe(0);
    expect(api.get(TraceStore).of(runId)).toEqual([]);
    expect((await api.runs.get(runId)).step).toBe(0);
    await acknowledged(member, member.metrics(attempt, { 'train/loss': [1, 2] }));
    expect(await api.prisma.metricPoint.count({ where: { runId } })).toBe(1);
  });

  it('cannot speak as another rank of an attempt that it is in', async () => {
    member.trace({ ...attempt, plan: { ...attempt.plan, rank: 1 } }, 3, { F: 1, I: 1, W: 1 });
    member.trace(attempt, 4, { F: 1, I: 1, W: 1 });
    await eventually('a trace', () => api.get(TraceStore).of(attempt.runId).length > 0);
    expect(api.get(TraceStore).of(attempt.runId)).toMatchObject([{ step: 4, rank: 0 }]);
  });

  it('does not acknowledge a boundary that rank 0 was asked for', async () => {
    member.answers = false;
    await api.actions.checkpoint(attempt.runId, 'tester');
    const { commandId } = await member.take('requestBoundary');
    stranger.answer(commandId);
    await acknowledged(stranger, stranger.metrics(attempt, {}));
    const boundary = async (): Promise<unknown> =>
      (await api.prisma.attempt.findFirstOrThrow({ where: { runId: attempt.runId } })).boundary;
    expect(await boundary()).toMatchObject({ acknowledged: false });
    member.answer(commandId);
    await eventually('the acknowledgement', async () => (await boundary()) !== null);
    await expect.poll(boundary).toMatchObject({ acknowledged: true });
    member.answers = true;
  });

  it('stores no blocks for them and reads none of theirs', async () => {
    const bytes = Buffer.from('weights of the run');
    expect(await refusal(stranger.put(attempt, bytes))).toBe('BLOB.NOT_A_MEMBER');
    await member.put(attempt, bytes);
    expect((await member.get(sha256(bytes))).bytes).toEqual(bytes);
    expect(await refusal(stranger.get(sha256(bytes)))).toBe('BLOB.NOT_READABLE');
    expect(await refusal(stranger.get('x'))).toBe('BLOB.NOT_READABLE');
  });

  it('keeps its session after a message that cannot be stored, which does not come again', async () => {
    const { runId } = attempt;
    member.metrics({ runId, fence: 2 ** 40 }, { 'train/loss': [1, 1] });
    await acknowledged(member, member.metrics(attempt, { 'a\0b': [2 ** 40, 1] }));
    await acknowledged(member, member.metrics(attempt, { 'train/loss': [5, 1] }));
    expect(member.error).toBeUndefined();
    expect((await api.runs.get(runId)).step).toBe(5);
  });
});
