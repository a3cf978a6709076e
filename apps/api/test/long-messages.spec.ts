import { describe, expect, it } from 'vitest';
import { eventually } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import type { Attempt, FakeAgent } from './fake-agent';
import { tinySpec } from './run-specs';

const PATIENCE_MS = 60_000;
/** Agents accepted, and still accept, so many bytes in one gRPC message. */
const GRPC_MESSAGE_BYTES = 5 * 2 ** 20;

/** Thousands of the smallest tensors that there are. */
const model = (layers: number): object => ({ layers, heads: 1, hidden: 1, ffn: 1, context: 1, vocab: 256 });
const TRAIN = { steps: 4, checkpointEvery: 2 };

describe('reports and plans that are longer than a gRPC message', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach({ leaseMs: 60_000 });

  async function checkpoint(agent: FakeAgent, attempt: Attempt): Promise<void> {
    const sequence = await agent.checkpointOfMany(attempt, 2);
    await agent.take('ack', ({ checkpoints }) => checkpoints === sequence, PATIENCE_MS);
  }

  async function manifest(): Promise<{ readonly tensors: readonly unknown[] }> {
    const row = await eventually('a durable checkpoint', () =>
      scene.api.prisma.checkpoint.findFirst({ where: { state: 'durable' } }).then((found) => found ?? undefined),
    );
    return row.manifest as unknown as { readonly tensors: readonly unknown[] };
  }

  it('publishes the checkpoint of 780 layers from one report', async () => {
    const agent = await scene.connect('agent_a');
    const spec = tinySpec({ parallel: { pp: 1, partition: [780] }, model: model(780), train: TRAIN });
    const { id } = await scene.api.runs.submit(spec, 'tester');
    const attempt = await agent.attempt(id);
    agent.begin(attempt);
    await checkpoint(agent, attempt);
    const { tensors } = await manifest();
    expect(tensors).toHaveLength(3 * (780 * 12 + 4));
    expect(JSON.stringify(tensors).length).toBeGreaterThan(GRPC_MESSAGE_BYTES);
    expect(agent.error).toBeUndefined();
  });

  /** A run of 1,024 layers, most of them on rank 0, whose first attempt ends after its checkpoint. */
  async function interrupted(takesParts: boolean): Promise<{ readonly id: string; readonly agents: FakeAgent[] }> {
    await scene.connect('agent_a', { takesParts });
    await scene.connect('agent_b', { takesParts });
    const spec = tinySpec({ parallel: { pp: 2, partition: [1_000, 24] }, model: model(1_024), train: TRAIN });
    const { id } = await scene.api.runs.submit(spec, 'tester');
    const attempts: Attempt[] = [];
    for (const agent of scene.agents) attempts.push(await agent.attempt(id));
    for (const [index, agent] of scene.agents.entries()) agent.begin(attempts[index]!);
    for (const [index, agent] of scene.agents.entries()) await checkpoint(agent, attempts[index]!);
    await manifest();
    scene.agents[0]!.report(attempts[0]!, 'failed', { step: 3, failureClass: 'node_lost', errorCode: 'TEST' });
    return { id, agents: scene.agents };
  }

  it('sends each rank what it reads of a manifest of 1,024 layers', async () => {
    const { id } = await interrupted(true);
    const again = await Promise.all(scene.agents.map((agent) => agent.attempt(id, 1)));
    // Both ends have the tied embedding; positions are rank 0's, the last norm is rank 1's.
    const own = [1_000 * 12 + 2, 24 * 12 + 3];
    for (const [rank, { plan }] of again.entries()) {
      expect(plan).toMatchObject({ rank, firstStep: 3, resume: { from: 'checkpoint', manifest: { step: 2 } } });
      expect(plan.resume.from === 'checkpoint' && plan.resume.manifest.tensors).toHaveLength(3 * own[rank]!);
    }
    expect(JSON.stringify(again[0]?.plan).length).toBeGreaterThan(GRPC_MESSAGE_BYTES);
    expect(scene.agents.map(({ error }) => error)).toEqual([undefined, undefined]);
  });

  it('ends the run with the reason where an agent of an earlier version cannot take the plan', async () => {
    const { id } = await interrupted(false);
    const run = await eventually(
      'the run fails',
      () => scene.api.runs.get(id).then((each) => (each.state === 'failed' ? each : undefined)),
      PATIENCE_MS,
    );
    expect(run.attempts.at(-1)?.failure).toMatchObject({ class: 'user_error', code: 'SESSION.MESSAGE_TOO_LARGE' });
    expect(run.reason?.message).toContain('at most 4.0 MiB can be sent');
    expect(scene.agents.map(({ error }) => error)).toEqual([undefined, undefined]);
  });
});
