import { describe, expect, it } from 'vitest';
import type { RunSpec } from '@millrace/contracts';
import { eventually } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import type { Attempt, FakeAgent } from './fake-agent';
import { tinySpec } from './run-specs';

const MIB = 2 ** 20;

describe('a run that ran out of memory', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach();

  async function connect(...ids: string[]): Promise<void> {
    for (const id of ids) await scene.connect(id, { adapter: { memoryBytes: 512 * MIB } });
  }

  const spec = (parallel: Partial<RunSpec['parallel']>): RunSpec =>
    tinySpec({ model: { layers: 6, hidden: 64, context: 64 }, data: { dataset: 'bytes' }, parallel });

  /** The attempts of the run's next gang, in rank order. */
  async function gangAfter(id: string, fence: number): Promise<[FakeAgent, Attempt][]> {
    const { agentIds } = await eventually(
      'the run is placed',
      async () => {
        const leases = await scene.api.prisma.lease.findMany({
          where: { runId: id, fence: { gt: fence } },
          orderBy: { rank: 'asc' },
        });
        return leases.length > 0 && { agentIds: leases.map(({ agentId }) => agentId) };
      },
      30_000,
    );
    return Promise.all(
      agentIds.map(async (agentId): Promise<[FakeAgent, Attempt]> => {
        const agent = scene.agents.find((each) => each.id === agentId)!;
        return [agent, await agent.attempt(id, fence)];
      }),
    );
  }

  async function plannedBytes(runId: string, fence: number): Promise<number[]> {
    const where = { runId_fence: { runId, fence } };
    const { plan } = await scene.api.prisma.attempt.findUniqueOrThrow({ where });
    return (plan as { predicted: { rankBytes: number[] } }).predicted.rankBytes;
  }

  /** One rank of the gang runs out of memory. @returns the attempt's fence, and what its plan gave the rank */
  async function runOut(
    gang: readonly [FakeAgent, Attempt][],
    rank: number,
  ): Promise<{ fence: number; bytes: number }> {
    const [agent, attempt] = gang[rank]!;
    for (const [each, own] of gang) each.begin(own);
    agent.running = [];
    agent.report(attempt, 'failed', {
      failureClass: 'out_of_memory',
      errorCode: 'RUNTIME.OUT_OF_MEMORY',
      errorMessage: 'the device is out of memory',
    });
    const { runId, fence } = attempt;
    await eventually('it failed', async () => (await scene.api.runs.get(runId)).attempts.at(-1)?.state === 'failed');
    return { fence, bytes: (await plannedBytes(runId, fence))[rank]! };
  }

  it('gets a split that gives the device less, and its reason tells how much', async () => {
    await connect('agent_a', 'agent_b');
    const { id } = await scene.api.runs.submit(spec({ pp: 2 }), 'tester');
    const first = await gangAfter(id, 0);
    const [loser] = first[1]!;
    const { fence, bytes } = await runOut(first, 1);
    expect((await scene.api.runs.get(id)).reason?.message).toMatch(
      new RegExp(`retry 1 of 3; the plan gave ${loser.id} .* MiB, and the next one gives it .* MiB at most`),
    );
    const second = await gangAfter(id, fence);
    const rank = second.findIndex(([agent]) => agent === loser);
    expect((await plannedBytes(id, second[0]![1].fence))[rank]).toBeLessThanOrEqual(0.9 * bytes);
    expect(second[0]![1].plan.stages).not.toEqual(first[0]![1].plan.stages);
  });

  it('moves to another device where its layers are fixed, also after the API was started again', async () => {
    await connect('agent_a');
    const { id } = await scene.api.runs.submit(spec({ pp: 1, partition: [6], recompute: 'full' }), 'tester');
    const first = await gangAfter(id, 0);
    await scene.api.actions.pause(id, 'tester');
    const { fence } = await runOut(first, 0);
    await scene.api.close();
    scene.api = await scene.startApi();
    for (const agent of scene.agents) await agent.connect(scene.api.grpc);
    await connect('agent_b');
    await scene.api.actions.resume(id, 'tester');
    const [[agent]] = (await gangAfter(id, fence)) as [[FakeAgent, Attempt]];
    expect(agent.id).toBe('agent_b');
  });

  it('computes more again where that is what is left, and then fails with what to change', async () => {
    await connect('agent_a');
    const { id } = await scene.api.runs.submit(spec({ pp: 1, partition: [6] }), 'tester');
    let gang = await gangAfter(id, 0);
    expect(gang[0]![1].plan.spec.parallel.recompute).toBe('none');
    const { fence } = await runOut(gang, 0);
    gang = await gangAfter(id, fence);
    const { recompute } = gang[0]![1].plan.spec.parallel;
    expect(['selective', 'full']).toContain(recompute);
    let last = fence;
    for (let retry = 1; retry < 3 && gang.length > 0; retry++) {
      last = (await runOut(gang, 0)).fence;
      const state = await eventually(
        'it is placed again or failed',
        async () => {
          const run = await scene.api.runs.get(id);
          if (run.state === 'failed') return run.state;
          return run.attempts.some((each) => each.fence > last) && run.state;
        },
        30_000,
      );
      gang = state === 'failed' ? [] : await gangAfter(id, last);
    }
    const { state, reason } = await scene.api.runs.get(id);
    expect(state).toBe('failed');
    expect(reason?.code).toBe('SCHEDULING.MEMORY_EXHAUSTED');
    expect(reason?.message).toMatch(/^run_\w+ ran out of memory, after which host-1:0 counts as holding .* at most/);
    expect(reason?.message).toContain(
      'set parallel.partition to auto, lower train.batch.micro (2), raise parallel.pp (1) or add a device',
    );
  });
});
