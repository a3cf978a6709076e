import type { agentV1 } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { eventually } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import type { Attempt, FakeAgent } from './fake-agent';
import { tinySpec } from './run-specs';

const measured = (bucket: string, form: string): agentV1.KernelChoice => {
  return { kernel: 'matmul_nn', bucket, form, ms: 1, usualMs: 2 };
};
const choice = (bucket: string, form: string) => ({ kernel: 'matmul_nn', bucket, form });

describe('variants of kernels that agents chose', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach();
  const spec = (): ReturnType<typeof tinySpec> => tinySpec({ train: { steps: 100, checkpointEvery: 30 } });

  async function running(runId: string, afterFence = 0): Promise<[FakeAgent, Attempt][]> {
    const pairs = await Promise.all(
      scene.agents.map(async (agent) => [agent, await agent.attempt(runId, afterFence)] as [FakeAgent, Attempt]),
    );
    pairs.sort(([, a], [, b]) => a.plan.rank - b.plan.rank);
    for (const [agent, attempt] of pairs) agent.begin(attempt);
    return pairs;
  }

  const tell = ([agent, { runId, fence }]: [FakeAgent, Attempt], choices: agentV1.KernelChoice[]): void =>
    agent.send({ $case: 'kernelChoices', value: { runId, fence, choices } });

  const stored = (count: number): Promise<string[]> =>
    eventually(`${count} choices`, async () => {
      const rows = await scene.api.prisma.kernelChoice.findMany({ orderBy: [{ kind: 'asc' }, { bucket: 'asc' }] });
      return rows.length === count ? rows.map(({ bucket, form }) => `${bucket} ${form}`) : undefined;
    });

  /** Loses the attempt with this agent, which comes back at once. */
  async function lose(agent: FakeAgent): Promise<void> {
    agent.disconnect();
    agent.running = [];
    await agent.connect();
  }

  it('are in the plan of the next attempt, for all ranks on such a device, and stay those of the run', async () => {
    await scene.connect('agent_a', { description: 'gpu' });
    await scene.connect('agent_b', { description: 'gpu' });
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    const first = await running(id);
    expect(first.map(([, { plan }]) => plan.choices)).toEqual([undefined, undefined]);
    tell(first[0]!, [measured('K2 M2 N2', '64x64'), measured('K3 M3 N3', 'tile')]);
    expect(await stored(2)).toEqual(['K2 M2 N2 64x64', 'K3 M3 N3 tile']);
    // The attempt that tried them keeps what its plan says.
    const [attempt] = await scene.api.prisma.attempt.findMany({ where: { runId: id } });
    expect(attempt!.plan).not.toHaveProperty('choices');

    await lose(first[0]![0]);
    const second = await running(id, 1);
    const planned = [choice('K2 M2 N2', '64x64'), choice('K3 M3 N3', 'tile')];
    expect(second.map(([, { plan }]) => plan.choices)).toEqual([planned, planned]);

    // What was stored first stays, and what is new is added.
    tell(second[1]!, [measured('K2 M2 N2', '128x128'), measured('K4 M4 N4', 'workgroup')]);
    expect(await stored(3)).toContain('K2 M2 N2 64x64');
    // Whatever becomes of the row, the run goes on with what its attempts have used.
    await scene.api.prisma.kernelChoice.updateMany({ where: { bucket: 'K3 M3 N3' }, data: { form: '128x64' } });
    await lose(second[1]![0]);
    const third = await running(id, second[0]![1].fence);
    expect(third[0]![1].plan.choices).toEqual([...planned, choice('K4 M4 N4', 'workgroup')]);
    expect(third[1]![1].plan.choices).toEqual(third[0]![1].plan.choices);
  });

  it('are of one kind of device, and no other one is told of them', async () => {
    await scene.connect('agent_a', { description: 'gpu' });
    await scene.connect('agent_b', { description: 'another gpu' });
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    const first = await running(id);
    const [agent] = first[0]!;
    tell(first[0]!, [measured('K2 M2 N2', '64x64')]);
    await stored(1);
    await lose(agent);
    for (const [each, { plan }] of await running(id, 1)) {
      expect(plan.choices, each.id).toEqual(each.id === agent.id ? [choice('K2 M2 N2', '64x64')] : undefined);
    }
  });

  it('are refused where one is unknown, or where they are too many or of another attempt', async () => {
    await scene.connect('agent_a', { description: 'gpu' });
    await scene.connect('agent_b', { description: 'gpu' });
    const { id } = await scene.api.runs.submit(spec(), 'tester');
    const [first] = await running(id);
    const [agent, attempt] = first!;
    tell(first!, [measured('K2 M2 N2', '64x64'), measured('K3 M3 N3', 'of my own')]);
    tell(first!, [{ ...measured('K2 M2 N2', '64x64'), ms: NaN }]);
    tell(first!, [measured('K2; M2', '64x64')]);
    tell(
      first!,
      Array.from({ length: 1025 }, (_, index) => measured(`K${index % 99} M${index % 98}`, 'tile')),
    );
    tell([agent, { ...attempt, fence: 7 }], [measured('K2 M2 N2', '64x64')]);
    // Messages are handled in their order.
    tell(first!, [measured('K9 M9 N9', 'tile')]);
    expect(await stored(1)).toEqual(['K9 M9 N9 tile']);
  });
});
