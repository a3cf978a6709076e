import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster, type Outcome, waitUntil } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

const LEASE_MS = 2_000;
const STEPS = 300;

let cluster: LiveCluster;
/** Of an undisturbed run. */
let calm: Outcome;

let agentNames: string[] = [];

/** On one agent each, so that two of them train at the same time. */
const run = (name: string, agent: string | undefined): ReturnType<typeof smallRun> =>
  smallRun(name, {
    train: { steps: STEPS, checkpointEvery: 100, evalEvery: 0 },
    parallel: { pp: 1, partition: [4] },
    resources: { include: agent === undefined ? [] : [agent] },
  });

beforeAll(async () => {
  const environment = { MILLRACE_LEASE_MS: String(LEASE_MS), MILLRACE_HEARTBEAT_MS: '400' };
  cluster = await LiveCluster.start({ agents: 2, environment });
  await createSmallDataset(cluster.client);
  agentNames = (await cluster.client.agents()).items.map(({ host, device }) => `${host}:${device}`);
  const { id } = await cluster.client.submitRun(run('calm', agentNames[0]));
  await cluster.untilRun(id, ['succeeded']);
  calm = await cluster.outcome(id);
});

afterAll(async () => {
  await cluster?.stop();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Stands still as under a debugger, or a machine that swaps: it neither answers nor closes its connections. */
async function standStill(name: string, ms: number): Promise<void> {
  const pid = cluster.pid(name);
  process.kill(pid, 'SIGSTOP');
  try {
    await pause(ms);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

async function killPostgres(): Promise<void> {
  const before = cluster.pid('postgres');
  process.kill(before, 'SIGKILL');
  await waitUntil('another Postgres answers', async () => {
    if (cluster.pid('postgres') === before) return false;
    return cluster.client.agents().then(
      () => true,
      () => false,
    );
  });
}

it.each([
  ['Postgres stands still for less than a lease', () => standStill('postgres', LEASE_MS / 2)],
  ['Postgres stands still for longer than a lease', () => standStill('postgres', 1.5 * LEASE_MS)],
  ['Postgres stands still for four leases', () => standStill('postgres', 4 * LEASE_MS)],
  ['Postgres is killed and started again', killPostgres],
  ['the API stands still for less than a lease', () => standStill('api', LEASE_MS / 2)],
  ['the API stands still for longer than a lease', () => standStill('api', 1.5 * LEASE_MS)],
])('%s: both runs go on in the same attempt, to the same bits', async (what, happen) => {
  const name = what.replaceAll(/\W+/g, '-');
  const ids = await Promise.all(agentNames.map(async (agent) => (await cluster.client.submitRun(run(name, agent))).id));
  await Promise.all(ids.map((id) => cluster.untilStep(id, 5)));
  await happen();
  for (const id of ids) {
    const ended = await cluster.untilRun(id, ['succeeded']);
    expect(
      ended.attempts.map(({ state, failure }) => ({ state, failure })),
      cluster.describe(),
    ).toEqual([{ state: 'finished', failure: null }]);
    const steps = (await cluster.metric(id, 'train/loss')).map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
    expect(await cluster.outcome(id)).toEqual(calm);
  }
});
