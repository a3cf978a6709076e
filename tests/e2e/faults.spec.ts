import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster, waitUntil } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

let cluster: LiveCluster;
/** On a busy machine a plan may look wrong; these attempts end only for the faults. */
const FIXED = { partition: [2, 2] };

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 3 });
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster.stop();
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
