import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster } from './support/live-cluster';
import { smallRun, smallTokens } from './support/small-run';

let cluster: LiveCluster;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  const body = new Uint8Array(smallTokens(12_000).buffer);
  await cluster.client.createDataset({ name: 'small', contentType: 'application/x-tokens-u16', body });
});

afterAll(async () => {
  await cluster.stop();
});

interface Outcome {
  readonly losses: readonly number[];
  readonly validation: readonly number[];
  readonly hash: string;
}

async function outcome(id: string): Promise<Outcome> {
  const values = async (name: string): Promise<number[]> => (await cluster.metric(id, name)).map(({ value }) => value);
  return {
    losses: await values('train/loss'),
    validation: await values('val/loss'),
    hash: await cluster.modelHash(id),
  };
}

let reference: Outcome;

it('trains on one agent', async () => {
  const { id } = await cluster.client.submitRun(smallRun('pp1', { parallel: { pp: 1 } }));
  await cluster.untilRun(id, ['succeeded']);
  reference = await outcome(id);
  expect(reference.losses).toHaveLength(12);
  expect(reference.validation).toHaveLength(2);
  expect(reference.losses.at(-1)).toBeLessThan(reference.losses[0] ?? 0);
});

/** Together they meet every pair of (schedule, ranks) that four layers allow, and every recompute setting of each. */
it.each([
  { schedule: '1f1b', pp: 2 },
  { schedule: 'gpipe', pp: 4, recompute: 'selective' },
  { schedule: '1f1b', pp: 4, recompute: 'full' },
  { schedule: 'gpipe', pp: 3, recompute: 'full' },
  { schedule: 'interleaved', pp: 2, chunks: 2, recompute: 'selective' },
  { schedule: 'looped-bfs', pp: 2, chunks: 2, recompute: 'full' },
  { schedule: 'zb-h1', pp: 4 },
  { schedule: 'zb-h2', pp: 3, recompute: 'selective' },
  { schedule: 'zb-v', pp: 2, recompute: 'full' },
  { schedule: 'dualpipe-v', pp: 2 },
] as const)('gives the same losses and weights, to the last bit, with %j', async (parallel) => {
  const { id } = await cluster.client.submitRun(smallRun(`${parallel.schedule}-${parallel.pp}`, { parallel }));
  await cluster.untilRun(id, ['succeeded']);
  expect(await outcome(id)).toEqual(reference);
});

it('gives the same for an uneven split with empty end stages', async () => {
  const { id } = await cluster.client.submitRun(smallRun('uneven', { parallel: { pp: 4, partition: [0, 3, 1, 0] } }));
  await cluster.untilRun(id, ['succeeded']);
  expect(await outcome(id)).toEqual(reference);
});

it('gives the same when an agent is killed in the middle third and the run goes on by itself', async () => {
  const steps = 60;
  const train = { steps, checkpointEvery: 5 };
  const calm = await cluster.client.submitRun(smallRun('calm', { train }));
  await cluster.untilRun(calm.id, ['succeeded']);
  const undisturbed = await outcome(calm.id);

  const { id } = await cluster.client.submitRun(smallRun('killed', { train }));
  const moment = Math.floor(steps / 3 + (Math.random() * steps) / 4);
  await cluster.untilStep(id, moment);
  const run = await cluster.client.run(id);
  expect(run.state, `at step ${moment}`).toBe('running');
  const victim = run.attempts.at(-1)?.stages[moment % 2];
  process.kill(cluster.pid(`agent-${cluster.numberOfAgent(victim?.agent ?? '')}`), 'SIGKILL');

  const ended = await cluster.untilRun(id, ['succeeded']);
  expect(ended.attempts.length).toBeGreaterThanOrEqual(2);
  expect(ended.attempts[0]?.failure?.class).toBe('node_lost');
  expect(ended.attempts[1]?.fence).toBeGreaterThan(ended.attempts[0]?.fence ?? 0);
  expect(await outcome(id)).toEqual(undisturbed);
});
