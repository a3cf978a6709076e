import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster, type Outcome } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

/** A run by itself takes seconds; tests may run beside much else. */
const RUN_MS_MAX = 250_000;
const TEST_MS_MAX = 700_000;
/** The split is given: which weights are stale depends on it, so that two runs of different splits differ. */
const SCHEDULES = [
  { schedule: 'pipedream', pp: 3, partition: [1, 2, 1], verticalSync: false, global: 2, steps: 120 },
  { schedule: 'pipedream', pp: 2, partition: [1, 3], verticalSync: true, global: 2, steps: 120 },
  { schedule: 'pipedream-2bw', pp: 3, partition: [2, 1, 1], verticalSync: false, global: 10, steps: 30 },
] as const;

let cluster: LiveCluster;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster.stop();
});

async function submit(
  name: string,
  { global, steps, partition, ...rest }: (typeof SCHEDULES)[number],
): Promise<string> {
  const { clip: _, ...train } = smallRun(name).train;
  const parallel = { ...rest, partition: [...partition] };
  const spec = smallRun(name, { model: { tieEmbeddings: false }, parallel });
  const asynchronous = { ...train, steps, batch: { global, micro: 2 }, evalEvery: 0, checkpointEvery: steps / 6 };
  return (await cluster.client.submitRun({ ...spec, train: asynchronous })).id;
}

async function outcome(id: string, steps: number): Promise<Outcome> {
  const found = await cluster.outcome(id);
  expect(found.losses).toHaveLength(steps);
  expect(found.validation).toHaveLength(1);
  return found;
}

const undisturbed = new Map<(typeof SCHEDULES)[number], unknown>();

it.each(SCHEDULES)(
  'gives the same losses and weights after an agent is killed: %j',
  async (parallel) => {
    const calm = await submit(`calm-${parallel.schedule}`, parallel);
    await cluster.untilRun(calm, ['succeeded'], RUN_MS_MAX);
    const expected = await outcome(calm, parallel.steps);
    undisturbed.set(parallel, expected);

    const id = await submit(`killed-${parallel.schedule}`, parallel);
    const moment = Math.floor((1 + Math.random()) * (parallel.steps / 5));
    await cluster.untilStep(id, moment);
    const run = await cluster.client.run(id);
    expect(run.state, `at step ${moment}`).toBe('running');
    const victim = run.attempts.at(-1)?.stages[moment % parallel.pp];
    cluster.killAgent(victim?.agent ?? '');

    const ended = await cluster.untilRun(id, ['succeeded'], RUN_MS_MAX);
    expect(ended.attempts[0]?.failure?.class).toBe('node_lost');
    expect(await outcome(id, parallel.steps)).toEqual(expected);
  },
  TEST_MS_MAX,
);

it(
  'pauses, goes on to the same bits, and is cancelled',
  async () => {
    const id = await submit('paused', SCHEDULES[0]);
    await cluster.untilStep(id, 7);
    await cluster.client.actOnRun(id, 'pause');
    await cluster.untilRun(id, ['paused']);
    await cluster.client.actOnRun(id, 'resume');
    await cluster.untilRun(id, ['succeeded'], RUN_MS_MAX);
    expect(await outcome(id, SCHEDULES[0].steps)).toEqual(undisturbed.get(SCHEDULES[0]));

    const dropped = await submit('dropped', SCHEDULES[2]);
    await cluster.untilStep(dropped, 5);
    await cluster.client.actOnRun(dropped, 'cancel');
    await cluster.untilRun(dropped, ['cancelled']);
  },
  TEST_MS_MAX,
);
