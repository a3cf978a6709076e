import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

let cluster: LiveCluster;

/** Rank 1 loses its device in the first attempt; in the next one, which goes on from step 8, its driver hangs. */
const FAULTS = 'lose@1:11,hang@3:15';

beforeAll(async () => {
  const environment = { MILLRACE_FAULTS: FAULTS, MILLRACE_GPU_THREAD_SILENT_MS: '10000', MILLRACE_LEASE_MS: '15000' };
  cluster = await LiveCluster.start({ agents: 2, environment });
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster?.stop();
});

it('goes on to the same bits after a device is lost, and after a driver hangs', async () => {
  const train = { steps: 20, checkpointEvery: 4 };
  // One rank alone has no such faults, and the same bits.
  const calm = await cluster.client.submitRun(smallRun('calm', { train, parallel: { pp: 1, partition: [4] } }));
  await cluster.untilRun(calm.id, ['succeeded']);
  const pids = (): number[] => [1, 2].map((number) => cluster.pid(`agent-${number}`));
  const before = pids();
  const { id } = await cluster.client.submitRun(smallRun('faults', { train, parallel: { partition: [2, 2] } }));
  const run = await cluster.untilRun(id, ['succeeded'], 240_000);
  const failures = run.attempts.map(({ state, failure }) => ({
    state,
    class: failure?.class,
    code: failure?.code,
    rank: failure?.culprit?.rank,
  }));
  expect(failures).toEqual([
    { state: 'failed', class: 'node_lost', code: 'RUNTIME.DEVICE_LOST', rank: 1 },
    { state: 'failed', class: 'timed_out', code: 'AGENT.GPU_THREAD_SILENT', rank: 1 },
    { state: 'finished', class: undefined, code: undefined, rank: undefined },
  ]);
  expect(await cluster.outcome(id)).toEqual(await cluster.outcome(calm.id));
  // Rank 1 lost its device in one process and hung in another one.
  expect(pids()).not.toEqual(before);
});
