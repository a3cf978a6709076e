import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type agentV1, attemptPlanSchema } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { AgentsService } from '../src/requests/agents/agents.service';
import { eventually } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import { type Attempt, FakeAgent } from './fake-agent';
import { tinySpec } from './run-specs';
import { setDatabaseAhead } from './set-database-ahead';
import { RunRemovalService } from '../src/requests/runs/run-removal.service';

/** The first test of a process compiles the schema and query engines, which takes long on a busy machine. */

describe('the life of a run', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach();

  const stateOf = async (id: string): Promise<string> => (await scene.api.runs.get(id)).state;
  const reaches = (id: string, state: string): Promise<true> =>
    eventually(`${id} is ${state}`, async () => ((await stateOf(id)) === state ? true : undefined));

  /** Both ranks of a pp 2 run, in rank order, running. */
  async function running(runId: string, afterFence = 0, from = scene.agents): Promise<[FakeAgent, Attempt][]> {
    const pairs: [FakeAgent, Attempt][] = await Promise.all(
      from.map(async (agent) => [agent, await agent.attempt(runId, afterFence)] as [FakeAgent, Attempt]),
    );
    pairs.sort(([, a], [, b]) => a.plan.rank - b.plan.rank);
    for (const [agent, attempt] of pairs) agent.begin(attempt);
    await reaches(runId, 'running');
    return pairs;
  }

  async function checkpoint(pairs: [FakeAgent, Attempt][], step: number): Promise<void> {
    for (const [agent, attempt] of pairs) {
      const sequence = await agent.checkpoint(attempt, step);
      await agent.take('ack', ({ checkpoints }) => checkpoints === sequence);
    }
  }

  async function finish(pairs: [FakeAgent, Attempt][], step: number): Promise<void> {
    const last = pairs.at(-1);
    if (last) {
      const sequence = last[0].metrics(last[1], { 'train/loss': [step, 1] });
      await last[0].take('ack', ({ metrics }) => metrics === sequence);
    }
    await checkpoint(pairs, step);
    for (const [agent, attempt] of pairs) agent.report(attempt, 'finished', { step });
  }

  it('goes from submit to succeeded, with its last checkpoint durable and its devices free', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    const { id, state } = await scene.api.runs.submit(tinySpec({ parallel: { partition: [1, 1] } }), 'tester');
    expect(state).toBe('queued');
    const pairs = await running(id);
    const [[, first], [second]] = pairs as [[FakeAgent, Attempt], [FakeAgent, Attempt]];
    expect(first.plan.stages).toEqual([
      { firstLayer: 0, layerCount: 1, embedding: true, head: false },
      { firstLayer: 1, layerCount: 1, embedding: false, head: true },
    ]);
    expect(first.plan.peers.map(({ agentId }) => agentId)).toEqual(pairs.map(([agent]) => agent.id));
    expect(first.plan).toMatchObject({
      fence: 1,
      firstStep: 1,
      lastStep: 10,
      resume: { from: 'random' },
      model: { vocab: 256, ffn: 16 },
    });
    expect(await scene.api.runs.list({ limit: 10 })).toMatchObject({
      items: [{ id, state: 'running' }],
      nextCursor: null,
    });

    const sequence = second.metrics(first, { 'train/loss': [1, 5.5] });
    await second.take('ack', ({ metrics }) => metrics === sequence);
    // The same batch again, as after a lost acknowledgement: acknowledged, and stored once.
    second.metrics(first, { 'train/loss': [1, 7.5] }, sequence);
    await eventually('acknowledged twice', () => second.received.filter((body) => body.$case === 'ack').length >= 2);
    expect(await scene.api.prisma.metricPoint.findMany()).toMatchObject([
      { name: 'train/loss', step: 1, value: 5.5, fence: 1 },
    ]);

    await finish(pairs, 10);
    await reaches(id, 'succeeded');
    const run = await scene.api.runs.get(id);
    expect(run).toMatchObject({
      step: 10,
      steps: 10,
      reason: null,
      attempts: [{ fence: 1, state: 'finished', failure: null, fromStep: 1 }],
    });
    expect(run.finishedAt).not.toBeNull();
    expect(await scene.api.prisma.lease.count()).toBe(0);
    const [durable] = await scene.api.prisma.checkpoint.findMany();
    expect(durable).toMatchObject({ runId: id, step: 10, state: 'durable' });
    const { tensors } = durable?.manifest as { tensors: { name: string; kind: string }[] };
    expect(tensors.slice(0, 3).map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      'weight transformer.wte.weight',
      'weight transformer.wpe.weight',
      'weight transformer.h.0.ln_1.weight',
    ]);
    expect(tensors).toHaveLength(3 * (2 + 2 * 12 + 2));
    const events = await scene.api.prisma.event.findMany({
      where: { runId: id, type: 'run.state' },
      orderBy: { sequence: 'asc' },
    });
    expect(events.map(({ data }) => (data as { state: string }).state)).toEqual([
      'queued',
      'scheduled',
      'starting',
      'running',
      'succeeded',
    ]);
    await scene.api.get(RunRemovalService).remove(id, 'tester');
    await expect(scene.api.runs.get(id)).rejects.toMatchObject({ code: 'RUN.NOT_FOUND' });
    expect(await scene.api.prisma.checkpoint.count()).toBe(0);
  });

  it('says why it waits, and starts when a second agent comes', async () => {
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    await eventually('a reason', async () => (await scene.api.runs.get(id)).reason?.code === 'NO_AGENTS');
    await scene.connectAll('agent_a');
    await eventually(
      'another reason',
      async () => (await scene.api.runs.get(id)).reason?.code === 'NOT_ENOUGH_DEVICES',
    );
    expect((await scene.api.runs.get(id)).reason?.nearest).toMatchObject({ missingDevices: 1 });
    expect(scene.agents[0]?.received.some((body) => body.$case === 'startAttempt')).toBe(false);
    await scene.connectAll('agent_b');
    await running(id);
  });

  it('lets the lease of a device run out whose thread is silent, though its agent is heard', async () => {
    const [, b] = (await scene.connectAll('agent_a', 'agent_b')) as [FakeAgent, FakeAgent];
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const pairs = await running(id);
    const rank = pairs.findIndex(([agent]) => agent === b);
    b.answers = false;
    b.running = [{ ...b.running[0]!, threadSilentMs: 119_999 }];
    const terms = async (count: number): Promise<void> => {
      const sent = b.received.length;
      await eventually('heartbeats for longer than a lease', () => b.received.length > sent + count * 10);
    };
    await terms(2);
    expect((await scene.api.runs.get(id)).state).toBe('running');
    b.running = [{ ...b.running[0]!, threadSilentMs: 120_000 }];
    await eventually('the attempt is lost', async () => (await scene.api.runs.get(id)).attempts[0]?.state === 'lost');
    expect((await scene.api.runs.get(id)).attempts[0]?.failure).toMatchObject({
      class: 'timed_out',
      code: 'ATTEMPT.DEVICE_SILENT',
      culprit: { rank, agent: b.id },
    });
    // Its agent is told to stop before the device is given away.
    const { commandId } = await b.take('stopAttempt');
    b.answers = true;
    b.running = [];
    b.answer(commandId);
    await eventually('a second attempt', async () => (await scene.api.runs.get(id)).attempts.length === 2, 40_000);
  });

  it('goes on under a higher fence after a lease ran out; the old fence writes nothing', async () => {
    const [a, b] = (await scene.connectAll('agent_a', 'agent_b')) as [FakeAgent, FakeAgent];
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const pairs = await running(id);
    await checkpoint(pairs, 4);
    const frozen = pairs[1]?.[0] as FakeAgent;
    const old = pairs[1]?.[1] as Attempt;
    frozen.freeze();
    frozen.answers = false;
    const [c] = (await scene.connectAll('agent_c')) as [FakeAgent];
    await eventually('the attempt is lost', async () => (await scene.api.runs.get(id)).attempts[0]?.state === 'lost');
    const lost = (await scene.api.runs.get(id)).attempts[0];
    expect(lost?.failure).toMatchObject({
      class: 'node_lost',
      code: 'ATTEMPT.AGENT_LOST',
      culprit: { rank: 1, agent: frozen.id },
    });
    // A silent agent gets no attempt; a fourth device is not needed.
    const others = [a, b, c].filter((agent) => agent !== frozen);
    const again = await running(id, old.fence, others);
    expect(again[0]?.[1].fence).toBeGreaterThan(old.fence);
    expect(again[0]?.[1].plan).toMatchObject({
      firstStep: 5,
      resume: { from: 'checkpoint', manifest: { step: 4, optimizer: { step: 4 } } },
    });

    // It comes back to life: its session is over, and in the next one its messages are acknowledged and dropped, and it
    // is told to stop.
    await eventually('its session ends', () => frozen.error?.details.includes('has sent no heartbeat'));
    await frozen.connect();
    const sequence = frozen.metrics(old, { 'train/loss': [5, 99] });
    await frozen.take('ack', ({ metrics }) => metrics === sequence);
    expect(await scene.api.prisma.metricPoint.count({ where: { value: 99 } })).toBe(0);
    await expect(frozen.put(old, Buffer.from('late'))).rejects.toMatchObject({ code: 10 });
    await frozen.checkpoint({ ...old, fence: again[0]?.[1].fence ?? 0 }, 5);
    await frozen.take('ack', ({ checkpoints }) => checkpoints > 0);
    expect(await scene.api.prisma.checkpoint.count({ where: { step: 5 } })).toBe(0);
    await frozen.take('heartbeatAck', ({ current }) =>
      current.some(({ runId, fence }) => runId === id && fence > old.fence),
    );
  });

  it('says that a rank has no connection, and for how long that may last', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const pairs = await running(id);
    // Its lease must not run out on a slow machine before it is back.
    await scene.api.prisma.lease.updateMany({ data: { expiresAt: new Date(Date.now() + 600_000) } });
    const [away] = pairs[0]!;
    const reasonOf = async () => (await scene.api.runs.get(id)).reason;
    away.disconnect();
    const reason = await eventually('a reason', async () => (await reasonOf()) ?? undefined);
    expect(reason).toMatchObject({ code: 'RANK_AWAY', message: expect.stringContaining(`${away.id} (rank 0) has no`) });
    expect(await stateOf(id)).toBe('running');
    await away.connect();
    await eventually('no reason', async () => ((await reasonOf()) === null ? true : undefined));
    const events = await scene.api.prisma.event.findMany({ where: { type: 'run.rank_away' } });
    expect(events).toHaveLength(2);
  });

  it('loses an attempt at once when an agent comes back without it', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const pairs = await running(id);
    const killed = pairs[0]?.[0] as FakeAgent;
    killed.disconnect();
    killed.running = [];
    await killed.connect();
    const again = await running(id, 1);
    expect(again[0]?.[1].plan).toMatchObject({ firstStep: 1, resume: { from: 'random' } });
    const { attempts } = await scene.api.runs.get(id);
    expect(attempts).toMatchObject([
      { state: 'lost', failure: { code: 'ATTEMPT.AGENT_REPLACED', culprit: { rank: 0 } } },
      { state: 'running' },
    ]);
  });

  it('survives a restart of the API: sessions re-attach, and every lease gets a fresh term', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const pairs = await running(id);
    scene.disconnectAll();
    await scene.api.close();
    await setDatabaseAhead(scene.databaseUrl, 3);
    scene.api = await scene.startApi();
    for (const agent of scene.agents) await agent.connect(scene.api.grpc);
    const sequence = scene.agents[0]?.metrics(pairs[0]?.[1] as Attempt, { 'train/loss': [3, 2.5] });
    await scene.agents[0]?.take('ack', ({ metrics }) => metrics === sequence);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await scene.api.runs.get(id)).toMatchObject({
      state: 'running',
      attempts: [{ fence: 1, state: 'running' }],
    });
    expect(scene.agents.some((agent) => agent.received.some((body) => body.$case === 'startAttempt'))).toBe(false);
    await finish(pairs, 10);
    await reaches(id, 'succeeded');
  });

  it('gives each rank a certificate where links leave the machine, and keeps no key that was taken', async () => {
    scene.agents = ['agent_a', 'agent_b'].map(
      (name) => new FakeAgent({ id: name, grpc: scene.api.grpc, dataAddress: 'far.example:1' }),
    );
    for (const agent of scene.agents) agent.takesStarts = false;
    for (const agent of scene.agents) await agent.connect();
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const start = async (agent: FakeAgent): Promise<agentV1.StartAttempt> =>
      agent.take('startAttempt', () => true, 40_000);
    const before = await Promise.all(scene.agents.map(start));
    const credentials = before.map(({ dataCredential }) => dataCredential!);
    const [first, second] = credentials.map(({ certificate }) => new X509Certificate(certificate));
    expect(credentials[0]?.authority).toBe(credentials[1]?.authority);
    const authority = new X509Certificate(credentials[0]!.authority);
    for (const [index, certificate] of [first!, second!].entries()) {
      expect(certificate.verify(authority.publicKey)).toBe(true);
      expect(certificate.checkPrivateKey(createPrivateKey(credentials[index]!.privateKey))).toBe(true);
      const { rank } = attemptPlanSchema.parse(JSON.parse(before[index]!.planJson));
      expect(certificate.subjectAltName).toBe(`URI:urn:millrace:${id}:1:${rank}`);
      expect(Date.parse(certificate.validTo) - Date.now()).toBeGreaterThan(1_000 * 86_400_000);
    }

    // An API that starts anew has them still: the ranks have not said that they do.
    scene.disconnectAll();
    await scene.api.close();
    scene.api = await scene.startApi();
    for (const agent of scene.agents) await agent.connect(scene.api.grpc);
    const again = await Promise.all(scene.agents.map(start));
    expect(again.map(({ dataCredential }) => dataCredential)).toEqual(credentials);

    const kept = async (): Promise<number[]> =>
      (await scene.api.prisma.rankCredential.findMany({ orderBy: { rank: 'asc' } })).map(({ rank }) => rank);
    expect(await kept()).toEqual([0, 1]);
    const taken = again.findIndex(({ planJson }) => attemptPlanSchema.parse(JSON.parse(planJson)).rank === 0);
    scene.agents[taken]!.answer(again[taken]!.commandId);
    await eventually('the rank has its certificate', async () => (await kept()).length === 1);
    expect(await kept()).toEqual([1]);
    await scene.api.actions.cancel(id, 'tester');
    await eventually('nothing is kept', async () => (await kept()).length === 0);
    expect(await scene.api.prisma.attempt.findFirst({ where: { runId: id } })).toMatchObject({ dataKey: '' });
  });

  it('makes no certificates where every link is on one machine', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    await scene.api.runs.submit(tinySpec(), 'tester');
    expect((await scene.agents[0]!.take('startAttempt')).dataCredential).toBeUndefined();
    expect(await scene.api.prisma.rankCredential.count()).toBe(0);
  });

  it('pauses at a boundary and resumes from its checkpoint', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const pairs = await running(id);
    expect(await scene.api.actions.pause(id, 'tester')).toEqual({ id, state: 'pausing' });
    const boundary = await (pairs[0]?.[0] as FakeAgent).take('requestBoundary');
    expect(boundary).toMatchObject({ runId: id, checkpoint: true, stop: true });
    for (const [agent, attempt] of pairs) agent.report(attempt, 'paused', { step: 6 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await stateOf(id)).toBe('pausing');
    await checkpoint(pairs, 6);
    await reaches(id, 'paused');
    expect(await scene.api.prisma.lease.count()).toBe(0);
    await expect(scene.api.actions.checkpoint(id, 'tester')).rejects.toMatchObject({ code: 'RUN.STATE_CONFLICT' });
    expect(await scene.api.actions.resume(id, 'tester')).toEqual({ id, state: 'queued' });
    const again = await running(id, 1);
    expect(again[0]?.[1].plan).toMatchObject({ firstStep: 7, resume: { from: 'checkpoint', manifest: { step: 6 } } });
  });

  it('is cancelled once every agent has stopped', async () => {
    const [a, b] = (await scene.connectAll('agent_a', 'agent_b')) as [FakeAgent, FakeAgent];
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    await running(id);
    a.answers = false;
    b.answers = false;
    expect(await scene.api.actions.cancel(id, 'tester')).toEqual({ id, state: 'stopping' });
    const stop = await a.take('stopAttempt');
    expect(stop.reason).toBe('cancel');
    a.running = [];
    a.answer(stop.commandId);
    await eventually('one lease is left', async () => (await scene.api.prisma.lease.count()) === 1);
    expect(await stateOf(id)).toBe('stopping');
    await expect(scene.api.actions.pause(id, 'tester')).rejects.toMatchObject({ code: 'RUN.STATE_CONFLICT' });
    // The other never answers: its lease is not renewed any more, whatever its heartbeats say.
    await reaches(id, 'cancelled');
    expect(await scene.api.runs.get(id)).toMatchObject({
      attempts: [{ state: 'cancelled' }],
      reason: { code: 'RUN.CANCELLED' },
    });
    expect(await scene.api.actions.cancel(id, 'tester')).toEqual({ id, state: 'cancelled' });
    await expect(scene.api.actions.resume(id, 'tester')).rejects.toMatchObject({ code: 'RUN.STATE_CONFLICT' });
  });

  it('ends as numerics without a retry, and keeps its last good checkpoint', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    const { id } = await scene.api.runs.submit(tinySpec(), 'tester');
    const pairs = await running(id);
    await checkpoint(pairs, 5);
    pairs[0]?.[0].report(pairs[0][1], 'failed', {
      step: 7,
      failureClass: 'numerics',
      errorCode: 'ENGINE.NOT_FINITE',
      errorMessage: 'the loss of step 7 is not finite',
      culpritRank: 1,
    });
    await reaches(id, 'failed');
    const run = await scene.api.runs.get(id);
    expect(run).toMatchObject({
      reason: { code: 'ENGINE.NOT_FINITE' },
      attempts: [{ state: 'failed', failure: { class: 'numerics', culprit: { rank: 1 } } }],
    });
    expect(await scene.api.prisma.checkpoint.count({ where: { runId: id, state: 'durable', step: 5 } })).toBe(1);
    // The other rank is told to stop, and may still tell what it measured.
    await pairs[1]?.[0].take('stopAttempt');
    await eventually('devices are free', async () => (await scene.api.prisma.lease.count()) === 0);
  });

  it('uses up its retries with real failures only', async () => {
    await scene.connectAll('agent_a', 'agent_b');
    const { id } = await scene.api.runs.submit(tinySpec({ retries: 1 }), 'tester');
    const fail = async (afterFence: number): Promise<number> => {
      const pairs = await Promise.all(
        scene.agents.map(async (agent) => [agent, await agent.attempt(id, afterFence)] as const),
      );
      const [agent, attempt] = pairs[0] as [FakeAgent, Attempt];
      agent.begin(attempt);
      agent.report(attempt, 'failed', {
        failureClass: 'out_of_memory',
        errorCode: 'RUNTIME.OUT_OF_MEMORY',
        errorMessage: 'no memory',
      });
      return attempt.fence;
    };
    const fence = await fail(0);
    await fail(fence);
    await reaches(id, 'failed');
    const { attempts, reason } = await scene.api.runs.get(id);
    expect(attempts).toHaveLength(2);
    expect(reason?.message).toContain('all 1 retries are used up');
  });

  it('leaves a draining agent at a boundary without using up a retry', async () => {
    await scene.connectAll('agent_a', 'agent_b', 'agent_c');
    const { id } = await scene.api.runs.submit(tinySpec({ retries: 0 }), 'tester');
    const used = await eventually('placed', async () => {
      const leases = await scene.api.prisma.lease.findMany({ orderBy: { rank: 'asc' } });
      return leases.length === 2 ? leases.map(({ agentId }) => agentId) : undefined;
    });
    const pairs = await running(
      id,
      0,
      scene.agents.filter((agent) => used.includes(agent.id)),
    );
    const service = scene.api.get(AgentsService);
    const drained = used[1] as string;
    expect(await service.drain(drained, 'tester')).toMatchObject({ state: 'draining' });
    await (pairs[0]?.[0] as FakeAgent).take('requestBoundary', ({ stop, checkpoint: taken }) => stop && taken);
    await checkpoint(pairs, 3);
    for (const [agent, attempt] of pairs) {
      agent.running = [];
      agent.report(attempt, 'paused', { step: 3 });
    }
    const again = await running(
      id,
      1,
      scene.agents.filter((agent) => agent.id !== drained),
    );
    expect(again[0]?.[1].plan.firstStep).toBe(4);
    const { attempts } = await scene.api.runs.get(id);
    expect(attempts[0]).toMatchObject({ state: 'paused', failure: { class: 'preempted' } });
    expect(await service.undrain(drained, 'tester')).toMatchObject({ state: 'connected' });
    expect((await service.list({ limit: 2 })).nextCursor).not.toBeNull();
  });
});
