import { describe, expect, it } from 'vitest';
import type { LayerTimes } from '@millrace/contracts';
import { eventually } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import type { Attempt, FakeAgent, FakeAgentOptions } from './fake-agent';
import { tinySpec } from './run-specs';
import { DryRunService } from '../src/requests/runs/dry-run.service';

const times = (seconds: number): LayerTimes['block'] => ({ F: seconds, I: seconds, W: seconds });
const layersOf = (block: number): LayerTimes => ({ embedding: times(0), block: times(block), head: times(block / 2) });

describe('what the planner learns from agents', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach();

  const connect = (id: string, options: Partial<FakeAgentOptions>): Promise<FakeAgent> =>
    scene.connect(id, { description: id, ...options });

  /** Waits until both ranks are running; returns them in rank order. */
  async function running(runId: string, afterFence = 0): Promise<[FakeAgent, Attempt][]> {
    const pairs = await Promise.all(
      scene.agents.map(async (agent) => [agent, await agent.attempt(runId, afterFence)] as [FakeAgent, Attempt]),
    );
    pairs.sort(([, a], [, b]) => a.plan.rank - b.plan.rank);
    for (const [agent, attempt] of pairs) agent.begin(attempt);
    return pairs;
  }

  const spec = (schedule?: 'pipedream-2bw'): ReturnType<typeof tinySpec> =>
    tinySpec({
      model: { layers: 8, tieEmbeddings: schedule === undefined },
      train: { steps: 100, checkpointEvery: 30 },
      parallel: { schedule },
    });

  /**
   * Measures a model's layers: a run that needs one device more than there are waits, and its layers are measured
   * meanwhile.
   */
  async function measuredByWaiting({ model } = spec()): Promise<string> {
    const waiting = spec();
    const { id } = await scene.api.runs.submit(
      { ...waiting, model, parallel: { ...waiting.parallel, pp: 3 } },
      'tester',
    );
    await eventually('every agent has answered', async () => {
      const rows = await scene.api.prisma.layerProfile.findMany();
      const answered = rows.filter(({ layers, error }) => layers !== null || error !== null);
      return answered.length === scene.agents.length ? true : undefined;
    });
    await scene.api.actions.cancel(id, 'tester');
    return id;
  }

  it('asks one idle agent of each kind while a run waits, and splits by the answers', async () => {
    const slow = await connect('agent_slow', { layers: layersOf(0.03) });
    const fast = await connect('agent_fast', { layers: layersOf(0.01) });
    const waited = await measuredByWaiting();
    const events = await scene.api.prisma.event.findMany({ where: { runId: waited, type: 'run.pending' } });
    expect(events.map(({ data }) => data)).toMatchObject([{ code: 'NOT_ENOUGH_DEVICES' }]);
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    const [first, second] = await running(id);
    expect(JSON.parse((await slow.take('measureLayers')).workJson)).toMatchObject({ microBatch: 2, recompute: 'none' });
    const layers = new Map([first, second].map((pair) => [pair![0].id, pair![1].plan.stages[pair![1].plan.rank]!]));
    expect(layers.get('agent_slow')!.layerCount).toBeLessThanOrEqual(2);
    expect(layers.get('agent_fast')!.layerCount).toBeGreaterThanOrEqual(6);
    expect(await scene.api.prisma.layerProfile.count()).toBe(2);

    first![0].send({
      $case: 'linkMeasured',
      value: { runId: id, fence: 1, toRank: 1, latencySeconds: 0.002, bytesPerSecond: 1e8 },
    });
    first![0].send({
      $case: 'linkMeasured',
      value: { runId: id, fence: 1, toRank: 7, latencySeconds: 0.002, bytesPerSecond: 1e8 },
    });
    await eventually('a link', async () => ((await scene.api.prisma.linkProfile.count()) > 0 ? true : undefined));
    expect(await scene.api.prisma.linkProfile.findMany()).toMatchObject([
      { fromAgent: first![0].id, toAgent: second![0].id, latencySeconds: 0.002, bytesPerSecond: 1e8 },
    ]);
    const plan = await scene.api.get(DryRunService).plan(spec());
    expect(plan.basis?.devices.map(({ layers: from }) => from)).toEqual(['measured', 'measured']);
    expect(fast.received.filter(({ $case }) => $case === 'measureLayers')).toHaveLength(1);
  });

  it('keeps the split of an asynchronous run that was lost before its first checkpoint', async () => {
    const slow = await connect('agent_slow', { layers: layersOf(0.03) });
    await connect('agent_fast', { layers: layersOf(0.01) });
    await measuredByWaiting(spec('pipedream-2bw'));
    const { id } = await scene.api.runs.submit(spec('pipedream-2bw'), 'tester');
    const pairs = await running(id);
    const layersPerStage = ([, { plan }]: [FakeAgent, Attempt]): number[] => plan.stages.map((each) => each.layerCount);
    const before = layersPerStage(pairs[0]!);
    const [head, attempt] = pairs[1]!;
    const sequence = head.metrics(attempt, { 'train/loss': [1, 5] });
    await head.take('ack', ({ metrics }) => metrics === sequence);

    // By what is known now, the split would be another one.
    for (const { kind, layers } of await scene.api.prisma.layerProfile.findMany()) {
      const swapped = JSON.stringify(layers) === JSON.stringify(layersOf(0.03)) ? layersOf(0.01) : layersOf(0.03);
      await scene.api.prisma.layerProfile.updateMany({ where: { kind }, data: { layers: { ...swapped } } });
    }
    const fresh = await scene.api.get(DryRunService).plan(spec('pipedream-2bw'));
    expect(fresh.stages.map(({ layerCount }) => layerCount)).not.toEqual(before);
    slow.disconnect();
    slow.running = [];
    await slow.connect();
    expect(layersPerStage((await running(id, 1))[0]!)).toEqual(before);
  });

  it('tells every rank the kernels that any device gets wrong, and keeps to them for the whole run', async () => {
    const sick = await connect('agent_sick', { adapter: { quarantined: ['matmul_nt'] } });
    await connect('agent_well', {});
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    const pairs = await running(id);
    expect(pairs.map(([, { plan }]) => plan.quarantined)).toEqual([['matmul_nt'], ['matmul_nt']]);

    // Another device takes its place, and the run still continues to the same bits.
    sick.disconnect();
    scene.agents.splice(scene.agents.indexOf(sick), 1);
    await connect('agent_new', { description: 'agent_well', adapter: { quarantined: ['add'] } });
    const next = await running(id, 1);
    expect(next.map(([, { plan }]) => plan.quarantined)).toEqual([
      ['add', 'matmul_nt'],
      ['add', 'matmul_nt'],
    ]);
  });

  it('plans with the benchmark where nobody measures', async () => {
    await connect('agent_a', {});
    await connect('agent_b', {});
    await measuredByWaiting();
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    await running(id);
    const [row] = await scene.api.prisma.layerProfile.findMany();
    expect(row).toMatchObject({ layers: null, error: 'does not measure' });
    const plan = await scene.api.get(DryRunService).plan(spec());
    expect(plan.basis?.devices.map(({ layers: from }) => from)).toEqual(['estimated', 'estimated']);
  });

  /** Reports steps 2 to 25 as measured. */
  async function train(pairs: [FakeAgent, Attempt][], from: number, blockSeconds: readonly number[]): Promise<void> {
    for (let step = from; step < from + 25; step++) {
      const [agent, attempt] = pairs[0]!;
      const sequence = agent.metrics(attempt, { 'train/tokens_per_second': [step, 100], 'train/loss': [step, 1] });
      await agent.take('ack', ({ metrics }) => metrics === sequence);
      for (const [rank, [each, { plan }]] of pairs.entries()) {
        const { layerCount, head } = plan.stages[rank]!;
        const seconds = (layerCount + (head ? 0.5 : 0)) * blockSeconds[rank]!;
        each.trace(pairs[rank]![1], step, times(seconds));
      }
    }
  }

  it('starts a model that nobody measured on an estimate, and keeps what its steps told for the next run', async () => {
    await connect('agent_a', { layers: layersOf(0.01) });
    await connect('agent_b', { layers: layersOf(0.01) });
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    const pairs = await running(id);
    expect(scene.agents.flatMap(({ received }) => received).map(({ $case }) => $case)).not.toContain('measureLayers');
    expect(await scene.api.prisma.layerProfile.count()).toBe(0);
    await train(pairs, 1, [0.01, 0.01]);
    const rows = await eventually('what was learned', async () => {
      const found = await scene.api.prisma.layerProfile.findMany();
      return found.length === 2 ? found : undefined;
    });
    const blocks = rows.map(({ layers }) => (layers as unknown as LayerTimes).block);
    // The estimate for such a small model is some microseconds.
    for (const { F, I, W } of blocks) expect(Math.min(F, I, W)).toBeGreaterThan(0.001);
    const plan = await scene.api.get(DryRunService).plan(spec());
    expect(plan.basis?.devices.map(({ layers: from }) => from)).toEqual(['measured', 'measured']);
  });

  it('compares after 20 steps, and leaves a plan that was right alone', async () => {
    await connect('agent_a', { layers: layersOf(0.01) });
    await connect('agent_b', { layers: layersOf(0.01) });
    await measuredByWaiting();
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    await train(await running(id), 1, [0.01, 0.01]);
    const compared = await eventually(
      'a comparison',
      async () => (await scene.api.runs.get(id)).planComparison ?? undefined,
    );
    expect(compared).toMatchObject({ isClearlyWrong: false, replan: false });
    expect(compared.step).toBeGreaterThanOrEqual(21);
    for (const { ratio } of compared.stages) expect(ratio).toBeCloseTo(1, 1);
    const events = await scene.api.prisma.event.findMany({ where: { runId: id, type: 'run.plan_compared' } });
    expect(events).toHaveLength(1);
    expect((await scene.api.runs.get(id)).attempts).toHaveLength(1);
  });

  it('plans anew at the next checkpoint when it was clearly wrong, without using up a retry', async () => {
    await connect('agent_a', { layers: layersOf(0.01) });
    await connect('agent_b', { layers: layersOf(0.01) });
    await measuredByWaiting();
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    const pairs = await running(id);
    const before = pairs[0]![1].plan.stages.map(({ layerCount }) => layerCount);
    const slow = pairs[1]![0].id;
    await train(pairs, 1, [0.01, 0.04]);
    const [first] = pairs[0]!;
    expect(await first.take('requestBoundary')).toMatchObject({
      checkpoint: false,
      stop: false,
      stopAtCheckpoint: true,
    });
    for (const [agent, attempt] of pairs) {
      const sequence = await agent.checkpoint(attempt, 30);
      await agent.take('ack', ({ checkpoints }) => checkpoints === sequence);
      agent.report(attempt, 'paused', { step: 30 });
      agent.running = [];
    }
    const again = await running(id, 1);
    const after = again[0]![1].plan;
    expect(after.firstStep).toBe(31);
    const rank = again.findIndex(([agent]) => agent.id === slow);
    expect(after.stages[rank]!.layerCount).toBeLessThan(before[1]!);
    const run = await scene.api.runs.get(id);
    expect(run.attempts.map(({ state, failure }) => [state, failure])[0]).toEqual(['paused', null]);
    expect(run.planComparison).toMatchObject({ replan: true, isClearlyWrong: true });
    const [event] = await scene.api.prisma.event.findMany({ where: { runId: id, type: 'run.replanned' } });
    expect(event?.data).toMatchObject({ fence: 1, step: 30, layersPerStage: { from: before } });
    expect((await scene.api.prisma.run.findUnique({ where: { id } }))?.failures).toBe(0);

    await train(again, 31, rank === 1 ? [0.01, 0.04] : [0.04, 0.01]);
    const right = await eventually(
      'the second comparison',
      async () => (await scene.api.runs.get(id)).attempts[1]?.planComparison ?? undefined,
    );
    expect(right).toMatchObject({ isClearlyWrong: false, replan: false });
  });
});
