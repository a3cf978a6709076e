import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { queryDatabase } from './support/cluster-database';
import { LiveCluster, waitUntil } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

let cluster: LiveCluster;
/** On a busy machine a plan may look wrong; these attempts end only for the faults. */
const FIXED = { partition: [2, 2] };

/** While there is this file, the disk of the blocks is full. */
const folder = mkdtempSync(join(tmpdir(), 'millrace-full-'));
const FULL = join(folder, 'full');

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 3, environment: { MILLRACE_FULL_DISK: FULL } });
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('trains on while the API is dead, and loses no step', async () => {
  const steps = 45;
  const { id } = await cluster.client.submitRun(
    smallRun('api-killed', { train: { steps, checkpointEvery: 10 }, parallel: FIXED }),
  );
  await cluster.untilStep(id, 12);
  const before = cluster.pid('api');
  process.kill(before, 'SIGKILL');
  await waitUntil('a new API answers', async () => {
    const answer = await fetch(`${cluster.endpoint.http}/readyz`).catch(() => undefined);
    return answer?.ok === true && cluster.pid('api') !== before;
  });
  const run = await cluster.untilRun(id, ['succeeded']);
  expect(run.attempts, 'nothing trains twice').toHaveLength(1);
  const losses = await cluster.metric(id, 'train/loss');
  expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
});

it('refuses an agent that was cut off for longer than its lease', async () => {
  const steps = 45;
  const { id } = await cluster.client.submitRun(
    smallRun('cut-off', { train: { steps, checkpointEvery: 10 }, parallel: FIXED }),
  );
  await cluster.untilStep(id, 12);
  const running = await cluster.client.run(id);
  expect(running.state).toBe('running');
  const victim = running.attempts.at(-1)?.stages[1]?.agent ?? '';
  const pid = cluster.pid(`agent-${cluster.numberOfAgent(victim)}`);
  process.kill(pid, 'SIGSTOP');
  await waitUntil('a second attempt runs', async () => (await cluster.client.run(id)).attempts.length >= 2, 60_000);
  process.kill(pid, 'SIGCONT');

  const run = await cluster.untilRun(id, ['succeeded']);
  const [first, second] = run.attempts;
  expect(first?.state).toBe('lost');
  expect(second?.stages.map(({ agent }) => agent)).not.toContain(victim);
  const losses = await cluster.metric(id, 'train/loss');
  expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
  await waitUntil('the agent is back and idle', async () => {
    const agents = await cluster.client.agents();
    const agent = agents.items.find(({ id: agentId }) => agentId === victim);
    return agent?.state === 'connected' && agent.lease === null;
  });
});

it('trains on while the disk is full, keeps the older checkpoint, and takes the next one when there is room', async () => {
  const steps = 60;
  const { id } = await cluster.client.submitRun(
    smallRun('disk-full', { train: { steps, checkpointEvery: 5 }, parallel: FIXED }),
  );
  const checkpoints = async (): Promise<number[]> =>
    (await cluster.client.checkpoints(id)).items.map(({ step }) => step).sort((a, b) => a - b);
  await waitUntil('a checkpoint is durable', async () => (await checkpoints()).length > 0);
  writeFileSync(FULL, '');
  const failures = (): Promise<unknown[]> =>
    queryDatabase(
      cluster.home,
      `SELECT ("data"->>'step')::int AS "step", "data"->>'reason' AS "reason" FROM "Event"
       WHERE "runId" = $1 AND "type" = 'run.checkpoint' AND "data"->>'state' = 'failed' ORDER BY "sequence"`,
      [id],
    );
  await waitUntil('a checkpoint failed', async () => (await failures()).length > 0);
  const [failure] = (await failures()) as [{ step: number; reason: string }];
  expect(failure.reason).toMatch(/the disk of .*blocks is too full; free some space or keep fewer checkpoints/);
  const pinned = [`SELECT FROM "BlockHold" WHERE "owner" = $1 AND "step" = $2`, [id, failure.step]] as const;
  await waitUntil('what it pinned is free', async () => (await queryDatabase(cluster.home, ...pinned)).length === 0);
  expect((await cluster.client.run(id)).state, cluster.describe()).toBe('running');
  const kept = await checkpoints();
  expect(kept.length).toBeGreaterThan(0);
  expect(Math.max(...kept)).toBeLessThan(failure.step);
  rmSync(FULL);

  const run = await cluster.untilRun(id, ['succeeded']);
  expect(run.attempts).toHaveLength(1);
  expect(await checkpoints()).toContain(steps);
  expect(await checkpoints()).not.toContain(failure.step);
  const losses = await cluster.metric(id, 'train/loss');
  expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
});
