import { type ChildProcess, spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { LayerTimes, RunBody, RunSpecInput } from '@millrace/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { queryDatabase } from './support/cluster-database';
import { LiveCluster, ROOT, waitUntil } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

/** Two agents that compute, devices 0 and 1, and two that only seem to: 2 is slow, 3 is four times as fast. */
const PACES_GFLOPS = [0.4, 1.6];
let cluster: LiveCluster;
const joined: ChildProcess[] = [];

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 2 });
  const { grpc, token } = cluster.endpoint;
  for (const [index, gflops] of PACES_GFLOPS.entries()) {
    const device = String(index + 2);
    const args = ['agent', '--join', grpc, '--token', token, '--device', device];
    joined.push(
      spawn(
        process.execPath,
        [join(ROOT, 'bin', 'millrace.js'), ...args, '--home', join(cluster.home, `agent-${index + 3}`)],
        {
          stdio: 'ignore',
          env: { ...process.env, MILLRACE_PACED_GFLOPS: String(gflops), MILLRACE_CPU_THREADS: '1' },
        },
      ),
    );
  }
  await createSmallDataset(cluster.client);
  await waitUntil('four agents', async () => {
    const { items } = await cluster.client.agents();
    return items.filter(({ state }) => state === 'connected').length === 4;
  });
});

afterAll(async () => {
  for (const agent of joined) agent.kill('SIGTERM');
  await cluster.stop();
});

const devices = (...indices: number[]): { include: string[] } => ({
  include: indices.map((index) => `${hostname()}:${index}`),
});

function run(name: string, changes: { steps: number; include: string[]; partition?: number[] }): RunSpecInput {
  const { steps, include, partition } = changes;
  return smallRun(name, {
    model: { layers: 8 },
    data: { validation: 0 },
    train: { steps, checkpointEvery: 10 },
    parallel: partition === undefined ? { pp: 2 } : { pp: partition.length, partition },
    resources: { include },
  });
}

async function deviceOf(agentId: string): Promise<number> {
  return (await cluster.client.agents()).items.find(({ id }) => id === agentId)!.device;
}

/** Layers that each of the two devices had in an attempt. */
async function layersOf(attempt: RunBody['attempts'][number]): Promise<Map<number, number>> {
  const entries = attempt.stages.map(async ({ agent, layerCount }) => [await deviceOf(agent), layerCount] as const);
  return new Map(await Promise.all(entries));
}

/** Changes what is kept of the layers of devices whose kind has `text` in it. */
async function alterProfiles(text: string, alter: (layers: LayerTimes) => LayerTimes): Promise<void> {
  const rows = await queryDatabase(cluster.home, 'SELECT * FROM "LayerProfile" WHERE "kind" LIKE $1', [`%${text}%`]);
  expect(rows.length).toBeGreaterThan(0);
  for (const { kind, layers } of rows as { kind: string; layers: LayerTimes }[]) {
    const altered = JSON.stringify(alter(layers));
    await queryDatabase(cluster.home, 'UPDATE "LayerProfile" SET "layers" = $1 WHERE "kind" = $2', [altered, kind]);
  }
}

const scaled = ({ F, I, W }: LayerTimes['block'], factor: number): LayerTimes['block'] => ({
  F: F * factor,
  I: I * factor,
  W: W * factor,
});

it('splits unequal devices by an estimate, measures the layers while it runs, and finds that it was right', async () => {
  const { id } = await cluster.client.submitRun(run('measured', { steps: 30, ...devices(2, 3) }));
  const { attempts, planComparison } = await cluster.untilRun(id, ['succeeded']);
  expect(attempts).toHaveLength(1);
  const layers = await layersOf(attempts[0]!);
  expect(layers.get(3)!).toBeGreaterThanOrEqual(layers.get(2)! + 3);
  expect(planComparison).toMatchObject({ isClearlyWrong: false, replan: false });
  // What its steps took is kept for the next run of such layers.
  const plan = await cluster.client.planRun(JSON.stringify(run('dry', { steps: 30, ...devices(2, 3) })));
  expect(plan.basis?.devices.map(({ layers: from }) => from)).toEqual(['measured', 'measured']);
  expect(plan.basis?.links).toEqual(['measured']);
});

it('plans anew at a checkpoint where a profile was wrong', async () => {
  await alterProfiles('paced at 0.4 ', ({ embedding, block, head }) => ({
    embedding: scaled(embedding, 0.1),
    block: scaled(block, 0.1),
    head: scaled(head, 0.1),
  }));
  const { id } = await cluster.client.submitRun({ ...run('misled', { steps: 35, ...devices(2, 3) }), retries: 0 });
  const { attempts } = await cluster.untilRun(id, ['succeeded']);
  const [first, second] = attempts;
  expect(first).toMatchObject({ state: 'paused', failure: null, planComparison: { replan: true } });
  expect(second!.fromStep % 10).toBe(1);
  const [before, after] = [await layersOf(first!), await layersOf(second!)];
  expect(before.get(2)!).toBeGreaterThan(before.get(3)!);
  expect(after.get(3)!).toBeGreaterThan(after.get(2)!);
  const slow = first!.planComparison!.stages.find(({ ratio }) => ratio > 3);
  expect(await deviceOf(slow!.agent)).toBe(2);
});

it('trains to the same losses over a new plan', async () => {
  // A review wants three traced steps, at most one a second: the run lasts long enough for that on a fast machine.
  const steps = 150;
  const alone = await cluster.client.submitRun(run('whole', { steps, partition: [8], ...devices(0) }));
  await cluster.untilRun(alone.id, ['succeeded']);
  // Its steps tell what the layers take, which then is changed: a head that seems as long as eight blocks gets none.
  const warm = await cluster.client.submitRun(run('warm', { steps, ...devices(0, 1) }));
  await cluster.untilRun(warm.id, ['succeeded']);
  await queryDatabase(
    cluster.home,
    `UPDATE "LayerProfile" SET "layers" = jsonb_set("layers", '{head}', '{"F": 0.2, "I": 0.2, "W": 0.2}')
     WHERE "kind" NOT LIKE '%paced%'`,
  );
  const { id } = await cluster.client.submitRun(run('replanned', { steps, ...devices(0, 1) }));
  const { attempts } = await cluster.untilRun(id, ['succeeded']);
  expect(attempts.length).toBeGreaterThanOrEqual(2);
  expect(attempts[0]!.planComparison).toMatchObject({ replan: true });
  expect(await cluster.metric(id, 'train/loss')).toEqual(
    (await cluster.metric(alone.id, 'train/loss')).map(({ step, value }) => expect.objectContaining({ step, value })),
  );
  expect(await cluster.modelHash(id)).toBe(await cluster.modelHash(alone.id));
});
