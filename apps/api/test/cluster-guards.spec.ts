import { credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { healthV1, timelineSchema } from '@millrace/contracts';
import { BlobsService } from '../src/ground/blobs/blobs.service';
import { BlockCollectorService } from '../src/ledger/checkpoint-keeping/block-collector.service';
import { GenerateService } from '../src/requests/generate/generate.service';
import { SchedulingService } from '../src/planning/scheduling/scheduling.service';
import { TimelineService } from '../src/live/timeline/timeline.service';
import { eventually, startApi } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import { PrometheusService } from '../src/ground/prometheus/prometheus.service';
import { type Attempt, FakeAgent, sha256 } from './fake-agent';
import { DATASET_ID, tinySpec } from './run-specs';
import { RunRemovalService } from '../src/requests/runs/run-removal.service';
import { DryRunService } from '../src/requests/runs/dry-run.service';

/** The first test of a process compiles the schema and query engines, which takes long on a busy machine. */

describe('what the control plane guards', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach({ leaseMs: 10_000 });

  /** A running run of one rank. */
  async function single(
    spec = tinySpec({ parallel: { pp: 1 } }),
  ): Promise<{ id: string; agent: FakeAgent; attempt: Attempt }> {
    const [agent] = (await scene.connectAll('agent_a')) as [FakeAgent];
    const { id } = await scene.api.runs.submit(spec, 'tester');
    const attempt = await agent.attempt(id);
    agent.begin(attempt);
    await eventually('running', async () => (await scene.api.runs.get(id)).state === 'running');
    return { id, agent, attempt };
  }

  async function checkpoint({ agent, attempt }: { agent: FakeAgent; attempt: Attempt }, step: number): Promise<void> {
    const sequence = await agent.checkpoint(attempt, step);
    await agent.take('ack', ({ checkpoints }) => checkpoints === sequence);
  }

  it('places a gang whole or not at all, with two schedulers at once', async () => {
    const other = await scene.startApi();
    try {
      for (let count = 0; count < 4; count++) await scene.api.runs.submit(tinySpec(), 'tester');
      await scene.connectAll('agent_a', 'agent_b', 'agent_c', 'agent_d', 'agent_e');
      const passes = [scene.api, other, scene.api, other].map((each) => each.get(SchedulingService).schedule());
      await Promise.all(passes);
      await eventually(
        'two gangs',
        async () => (await scene.api.prisma.run.count({ where: { state: { not: 'queued' } } })) === 2,
      );
      const leases = await scene.api.prisma.lease.findMany();
      expect(leases).toHaveLength(4);
      const runIds = [...new Set(leases.map(({ runId }) => runId))];
      const ranks = runIds.map((id) =>
        leases
          .filter(({ runId }) => runId === id)
          .map(({ rank }) => rank)
          .sort(),
      );
      expect(ranks).toEqual([
        [0, 1],
        [0, 1],
      ]);
      expect(await scene.api.prisma.attempt.count()).toBe(2);
      const waiting = await scene.api.prisma.run.findMany({ where: { state: 'queued' } });
      expect(waiting).toHaveLength(2);
      expect(waiting.every(({ fence }) => fence === 0)).toBe(true);
    } finally {
      await other.close();
    }
  });

  it('lets only the newest session of an agent act', async () => {
    const { id, agent: old, attempt } = await single();
    const twin = new FakeAgent({ id: 'agent_a', grpc: scene.api.grpc });
    twin.running = [...old.running];
    await twin.connect();
    scene.agents.push(twin);
    await eventually('the old session ends', () => old.error?.code === 10);
    const sequence = twin.metrics(attempt, { 'train/loss': [1, 1.5] });
    await twin.take('ack', ({ metrics }) => metrics === sequence);
    expect(await scene.api.runs.get(id)).toMatchObject({ state: 'running', step: 1 });
    expect(await scene.api.prisma.agent.findMany()).toMatchObject([{ connected: true, epoch: 2 }]);
    await eventually('its heartbeats are counted', async () =>
      /lateness_seconds_count [1-9]/.test(await scene.api.context.get(PrometheusService).text()),
    );
  });

  it('keeps the queue in a schema of its own, also where DATABASE_URL has options', async () => {
    const url = await scene.createDatabase();
    const other = await startApi({ databaseUrl: `${url}?options=-c%20work_mem%3D5MB`, home: scene.home });
    try {
      const [row] = await other.prisma.$queryRaw<object[]>`
        SELECT current_setting('work_mem') AS "memory", to_regclass('public.job')::text AS "here",
          to_regclass('bullmq.job')::text AS "there"`;
      expect(row).toEqual({ memory: '5MB', here: null, there: 'bullmq.job' });
    } finally {
      await other.close();
    }
  });

  it('refuses a session without a token, without registration, or with a bad one', async () => {
    await expect(
      new FakeAgent({ id: 'agent_x', grpc: scene.api.grpc, token: 'wrong' }).connect(),
    ).rejects.toMatchObject({
      code: 16,
    });
    await expect(new FakeAgent({ id: 'no spaces', grpc: scene.api.grpc }).connect()).rejects.toMatchObject({ code: 3 });
    expect(await scene.api.prisma.agent.count()).toBe(0);
  });

  it('takes blocks of the fence in force only, and gives them back in pieces', async () => {
    const { id, agent, attempt } = await single();
    const block = Buffer.alloc(2_500_000, 7);
    expect(await agent.put(attempt, block)).toEqual({ existed: false });
    expect(await agent.put(attempt, block)).toEqual({ existed: true });
    const whole = await agent.get(sha256(block));
    expect(whole.bytes.equals(block)).toBe(true);
    expect(whole.totalBytes).toBe(block.length);
    expect(Math.max(...whole.pieces)).toBeLessThanOrEqual(1 << 20);
    expect((await agent.get(sha256(block), 2_499_990, 5)).bytes).toHaveLength(5);
    await expect(agent.get('f'.repeat(64))).rejects.toMatchObject({ code: 5 });
    await expect(agent.get(sha256(block), 9_999_999)).rejects.toMatchObject({ code: 3 });
    const other = Buffer.from('another block');
    await expect(agent.put({ runId: id, fence: 0 }, other)).rejects.toMatchObject({ code: 10 });
    await expect(agent.put({ runId: 'run_none', fence: 1 }, other)).rejects.toMatchObject({ code: 10 });
    await expect(agent.put(attempt, other, { sha256: 'e'.repeat(64) })).rejects.toThrow();
    await expect(agent.put(attempt, other, { bytes: 5 })).rejects.toMatchObject({ code: 3 });
    await expect(agent.put(attempt, other, { bytes: 1e12 })).rejects.toMatchObject({ code: 8 });
    expect(await scene.api.get(BlobsService).blocks.has(sha256(other))).toBe(false);
  });

  it('keeps the last checkpoints, and the collector takes only what nothing uses', async () => {
    const run = await single(tinySpec({ parallel: { pp: 1 }, train: { keepCheckpoints: 2 } }));
    for (const step of [2, 4, 6]) await checkpoint(run, step);
    const kept = await scene.api.prisma.checkpoint.findMany({ orderBy: { step: 'asc' } });
    expect(kept.map(({ step }) => step)).toEqual([4, 6]);
    const { blocks } = scene.api.get(BlobsService);
    const stored = async (): Promise<number> => {
      let count = 0;
      for await (const _ of blocks.list()) count++;
      return count;
    };
    const before = await stored();
    await scene.api.get(BlockCollectorService).collect();
    const used = await scene.api.prisma.checkpointBlock.findMany({ distinct: ['sha256'] });
    expect(await stored()).toBe(used.length);
    expect(await stored()).toBeLessThan(before);
  });

  it("fails the attempt when the ranks' parts do not make the model", async () => {
    const { id, agent, attempt } = await single();
    const value = {
      runId: id,
      fence: attempt.fence,
      step: 3,
      rank: 0,
      state: 'stored',
      errorMessage: '',
      sequence: 1,
      manifestPartJson: JSON.stringify({ tensors: [] }),
    };
    agent.send({ $case: 'checkpoint', value: { ...value, manifestPartJson: '{"tensors":' } });
    await agent.take('ack', ({ checkpoints }) => checkpoints === 1);
    agent.send({ $case: 'checkpoint', value: { ...value, sequence: 2 } });
    await agent.take('ack', ({ checkpoints }) => checkpoints === 2);
    expect((await scene.api.runs.get(id)).attempts[0]).toMatchObject({
      state: 'failed',
      failure: { code: 'CHECKPOINT.PARTS_INCOMPLETE' },
    });
    expect(await scene.api.prisma.checkpoint.count()).toBe(0);
  });

  it('starts from a checkpoint with its step, and from its weights alone', async () => {
    const first = await single(tinySpec({ parallel: { pp: 1 }, train: { steps: 4 } }));
    await checkpoint(first, 4);
    first.agent.report(first.attempt, 'finished', { step: 4 });
    await eventually('succeeded', async () => (await scene.api.runs.get(first.id)).state === 'succeeded');
    const [durable] = await scene.api.prisma.checkpoint.findMany();
    const initId = durable?.id as string;
    const from = (source: 'checkpoint' | 'safetensors', more: object = {}) =>
      tinySpec({ parallel: { pp: 1 }, model: { init: { from: source, id: initId } }, ...more });
    await expect(scene.api.runs.submit(from('checkpoint', { train: { steps: 4 } }), 't')).rejects.toMatchObject({
      code: 'RUN.SPEC_UNFIT',
      fields: [{ path: '/train/steps' }],
    });
    await expect(
      scene.api.runs.submit(
        from('checkpoint', { model: { hidden: 8, init: { from: 'checkpoint', id: initId } } }),
        't',
      ),
    ).rejects.toMatchObject({
      fields: [
        { path: '/model/init/id', message: expect.stringContaining('transformer.wte.weight is [256, 4]') as string },
      ],
    });
    await expect(
      scene.api.runs.submit(
        from('checkpoint', { model: { normEps: 1e-6, init: { from: 'checkpoint', id: initId } } }),
        't',
      ),
    ).rejects.toMatchObject({
      fields: [{ path: '/model/normEps', message: expect.stringContaining('it is the default in') as string }],
    });
    const sgd = { optimizer: { type: 'sgd', lr: 0.1 } };
    await expect(scene.api.runs.submit(from('checkpoint', { train: sgd }), 't')).rejects.toMatchObject({
      code: 'RUN.SPEC_UNFIT',
      fields: [{ path: '/train/optimizer/type', message: expect.stringContaining('trained with adamw') as string }],
    });
    const second = await scene.api.runs.submit(from('checkpoint'), 't');
    const goesOn = await first.agent.attempt(second.id);
    expect(goesOn.plan).toMatchObject({
      firstStep: 5,
      lastStep: 10,
      resume: { from: 'checkpoint', manifest: { step: 4 } },
    });
    await expect(scene.api.get(RunRemovalService).remove(first.id, 't')).rejects.toMatchObject({
      code: 'RUN.CHECKPOINT_IN_USE',
    });
    await scene.api.actions.cancel(second.id, 't');
    const third = await scene.api.runs.submit(from('safetensors'), 't');
    const anew = await first.agent.attempt(third.id);
    expect(anew.plan).toMatchObject({ firstStep: 1, resume: { from: 'weights', manifest: { optimizer: null } } });
    expect(
      anew.plan.resume.from === 'weights' && anew.plan.resume.manifest.tensors.every(({ kind }) => kind === 'weight'),
    ).toBe(true);
  });

  it('refuses what cannot be trained, naming the field, and stores nothing', async () => {
    const refused = async (spec: ReturnType<typeof tinySpec>, path: string): Promise<void> => {
      await expect(scene.api.runs.submit(spec, 'tester')).rejects.toMatchObject({
        code: 'RUN.SPEC_UNFIT',
        kind: 'invalid',
        fields: [{ path }],
      });
    };
    await refused(tinySpec({ data: { dataset: 'nothing' } }), '/data/dataset');
    await refused(tinySpec({ model: { vocab: 100 } }), '/model/vocab');
    await refused(tinySpec({ model: { context: 20_000 } }), '/model/context');
    await refused(tinySpec({ data: { validation: 0.0001 } }), '/data/validation');
    await refused(tinySpec({ model: { init: { from: 'checkpoint', id: 'ckpt_none' } } }), '/model/init/id');
    await expect(scene.api.runs.get('run_none')).rejects.toMatchObject({ code: 'RUN.NOT_FOUND' });
    await expect(scene.api.actions.cancel('run_none', 'tester')).rejects.toMatchObject({ code: 'RUN.NOT_FOUND' });
    await expect(scene.api.runs.list({ limit: 5, cursor: 'x' })).rejects.toMatchObject({ code: 'RUN.CURSOR_INVALID' });
    expect(await scene.api.prisma.run.count()).toBe(0);
  });

  it('plans a run without storing it', async () => {
    const alone = await scene.api.get(DryRunService).plan(tinySpec());
    expect(alone).toMatchObject({
      stages: [
        { rank: 0, agent: null },
        { rank: 1, agent: null },
      ],
      predicted: { stepTimeMs: null },
      pending: { code: 'NO_AGENTS' },
    });
    await scene.connectAll('agent_a', 'agent_b');
    const plan = await scene.api.get(DryRunService).plan(tinySpec());
    expect(plan.pending).toBeNull();
    expect(plan.stages.map(({ agent }) => agent)).toEqual(['agent_a', 'agent_b']);
    expect(plan.predicted.stepTimeMs).toBeGreaterThan(0);
    expect(plan.predicted.peakMicroBatches.untilWeight).toEqual([2, 1]);
    expect(plan.schedule).toEqual({ name: '1f1b', microBatches: 2 });
    expect(plan.timetable).toMatch(/^rank 0 \| F0/);
    expect(plan.stages.every(({ memoryBytes, parameters }) => memoryBytes > 4 * parameters)).toBe(true);
    expect(await scene.api.prisma.run.count()).toBe(0);
  });

  it('splits a run over unequal scene.agents by what they measured, and explains it', async () => {
    const unequal = [
      new FakeAgent({ id: 'agent_slow', grpc: scene.api.grpc, matmulGflops: 10 }),
      new FakeAgent({ id: 'agent_fast', grpc: scene.api.grpc, matmulGflops: 30 }),
      new FakeAgent({ id: 'agent_slowest', grpc: scene.api.grpc, matmulGflops: 1 }),
    ];
    scene.agents.push(...unequal);
    for (const agent of unequal) await agent.connect();
    const spec = tinySpec({ model: { layers: 8, heads: 4, hidden: 64 } });
    const plan = await scene.api.get(DryRunService).plan(spec);
    const layers = Object.fromEntries(plan.stages.map(({ agent, layerCount }) => [agent, layerCount]));
    expect(Object.keys(layers).sort()).toEqual(['agent_fast', 'agent_slow']);
    expect(layers['agent_fast']).toBeGreaterThan(layers['agent_slow'] as number);
    expect(plan.stages.every(({ memory, memoryBytes }) => (memory?.total ?? 0) >= memoryBytes)).toBe(true);
    const even = plan.runnerUps.find(({ name }) => name === 'even split');
    expect(even).toMatchObject({ layersPerStage: [4, 4], fits: true });
    expect(even?.stepTimeMs).toBeGreaterThan(plan.predicted.stepTimeMs as number);
    expect(even?.reason).toMatch(/slower: rank \d on host-1:0 computes/);
    expect(plan.runnerUps.map(({ name }) => name)).toContain('1f1b, m = 2, recompute full');
    expect(plan.explanation).toMatch(/^1f1b, m = 2 on 2 devices: [^]*What else was considered:/);
    const { id } = await scene.api.runs.submit(spec, 'tester');
    const fast = unequal[1] as FakeAgent;
    const attempt = await fast.attempt(id);
    expect(attempt.plan.stages.map(({ layerCount }) => layerCount)).toEqual(
      plan.stages.map(({ layerCount }) => layerCount),
    );
    expect(attempt.plan.peers.map(({ agentId }) => agentId)).toEqual(plan.stages.map(({ agent }) => agent));
    const fixed = await scene.api
      .get(DryRunService)
      .plan(tinySpec({ model: { layers: 8 }, parallel: { partition: [2, 6] } }));
    expect(fixed.stages.map(({ layerCount }) => layerCount)).toEqual([2, 6]);
  });

  it('generates text from a checkpoint', async () => {
    const run = await single();
    await checkpoint(run, 3);
    const [durable] = await scene.api.prisma.checkpoint.findMany();
    const service = scene.api.get(GenerateService);
    const request = { prompt: 'Hi', maxTokens: 3, temperature: 0, seed: 1 };
    await expect(service.generate('ckpt_none', request)).rejects.toMatchObject({ code: 'CHECKPOINT.NOT_FOUND' });
    const answer = service.generate(durable?.id as string, request);
    const task = await run.agent.take('generate');
    const plan = JSON.parse(task.planJson) as {
      promptTokens: number[];
      stages: unknown[];
      manifest: { tensors: { kind: string }[] };
    };
    expect(plan.promptTokens).toEqual([72, 105]);
    expect(plan.stages).toHaveLength(1);
    expect(plan.manifest.tensors.every(({ kind }) => kind === 'weight')).toBe(true);
    run.agent.send({
      $case: 'generateOutput',
      value: { taskId: task.taskId, tokens: [33], done: false, errorMessage: '' },
    });
    run.agent.send({
      $case: 'generateOutput',
      value: { taskId: task.taskId, tokens: [33, 33, 63], done: true, errorMessage: '' },
    });
    expect(await answer).toEqual({ text: '!!?', tokens: 3 });
    const failing = service.generate(durable?.id as string, request);
    const second = await run.agent.take('generate', ({ taskId }) => taskId !== task.taskId);
    run.agent.answer(second.commandId, { code: 'AGENT.BUSY', message: 'four generations run here' });
    await expect(failing).rejects.toMatchObject({ code: 'GENERATE.FAILED', kind: 'unavailable' });
    await scene.api.prisma.dataset.update({
      where: { id: DATASET_ID },
      data: { tokenizer: { name: 'tokens', vocab: 256 } },
    });
    await expect(service.generate(durable?.id as string, request)).rejects.toMatchObject({
      code: 'GENERATE.NO_TOKENIZER',
      kind: 'invalid',
    });
  });

  it('shows what was executed beside what was planned', async () => {
    const { id, agent, attempt } = await single();
    const spans = [
      { action: '0F0', cause: 'compute', startMs: 1000, endMs: 1002.5 },
      { action: 'wait:0RECV_F1', cause: 'wait-input', startMs: 1002.5, endMs: 1004 },
    ];
    const sent = [{ toRank: 1, edge: 'activation', frames: 5, bytes: 4000 }];
    const told = { spans, sent, countedMs: 500 };
    agent.send({ $case: 'trace', value: { runId: id, fence: attempt.fence, rank: 0, step: 1, ...told } });
    const trace = await eventually('a trace', async () => {
      const found = await scene.api.get(TimelineService).chromeTrace(id);
      return found.traceEvents.length > 0 ? found : undefined;
    });
    const executed = trace.traceEvents.filter(({ ph, cat }) => ph === 'X' && cat !== 'planned');
    expect(executed).toMatchObject([
      { name: '0F0', ts: 0, dur: 2500, args: { step: 1, cause: 'F', chunk: 0, microBatch: 0 } },
      { cat: 'wait-input', ts: 2500 },
    ]);
    expect(trace.traceEvents.find(({ name }) => name === 'process_name')?.args).toEqual({
      name: expect.stringMatching(/^rank 0: .+:\d+ \(agent_a\)$/) as string,
    });
    expect(trace.traceEvents.some(({ ph, cat }) => ph === 'X' && cat === 'planned')).toBe(true);
    const { steps, links } = timelineSchema.parse(await scene.api.get(TimelineService).json(id, 1));
    expect(links).toEqual([
      { fromRank: 0, toRank: 1, edge: 'activation', framesPerStep: 5, bytesPerStep: 4000, bytesPerSecond: 8000 },
    ]);
    expect(steps).toMatchObject([
      { step: 1, startUs: 0, spans: [{ rank: 0, kind: 'F', microBatch: 0, durationUs: 2500 }, { kind: 'wait-input' }] },
    ]);
    expect(steps[0]?.planned.length).toBeGreaterThan(0);
  });

  it('tells in the events for whom a stage waits, once in a while, and believes only the rank itself', async () => {
    const { id, agent, attempt } = await single();
    const report = { runId: id, fence: attempt.fence, rank: 0, action: '0RECV_B1', forRank: 0 };
    const last = { lastFrame: 'gradient of step 3', lastFrameAgeMs: 5100.4, waitedMs: 5000.2 };
    agent.send({ $case: 'stageWaiting', value: { ...report, ...last, rank: 1 } });
    agent.send({ $case: 'stageWaiting', value: { ...report, ...last, fence: attempt.fence + 1 } });
    agent.send({ $case: 'stageWaiting', value: { ...report, ...last } });
    agent.send({ $case: 'stageWaiting', value: { ...report, ...last, waitedMs: 5001 } });
    const sequence = agent.metrics(attempt, { 'train/loss': [1, 1.5] });
    await agent.take('ack', ({ metrics }) => metrics === sequence);
    const events = await scene.api.prisma.event.findMany({ where: { type: 'run.stage_waiting' } });
    expect(events).toMatchObject([
      {
        runId: id,
        actor: 'agent_a',
        data: {
          ...{ fence: 1, rank: 0, agent: 'agent_a', action: '0RECV_B1', forRank: 0, forAgent: 'agent_a' },
          ...{ lastFrame: 'gradient of step 3', lastFrameAgeMs: 5100, waitedMs: 5000 },
        },
      },
    ]);
  });

  it('answers the health protocol without a token', async () => {
    const client = new healthV1.HealthClient(scene.api.grpc, credentials.createInsecure());
    const check = (service: string): Promise<healthV1.HealthCheckResponse> =>
      new Promise(
        (resolve, reject) =>
          void client.check({ service }, (error, response) => (error ? reject(error) : resolve(response))),
      );
    const { SERVING } = healthV1.HealthCheckResponse_ServingStatus;
    expect(await check('')).toEqual({ status: SERVING });
    expect(await check('millrace.agent.v1.AgentService')).toEqual({ status: SERVING });
    await expect(check('nothing')).rejects.toMatchObject({ code: 5 });
    client.close();
  });
});
