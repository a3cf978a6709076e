import { scheduleTraits } from '@millrace/pipeline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cut, expectSameAfterKill, expectSameOfAll, KILLED, SCHEDULES, submitCut } from './support/cuts';
import { LiveCluster, type Outcome } from './support/live-cluster';
import { createSmallDataset } from './support/small-run';

const RANKS = [1, 2, 3, 4];
const RECOMPUTE = ['none', 'selective', 'full'] as const;
const TIMEOUT_MS = 900_000;

let cluster: LiveCluster;
let undisturbed: Outcome;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  await createSmallDataset(cluster.client);
  const id = await submitCut(cluster, 'calm', { parallel: { pp: 1 }, train: KILLED });
  await cluster.untilRun(id, ['succeeded']);
  undisturbed = await cluster.outcome(id);
});

afterAll(async () => {
  await cluster?.stop();
});

it.each(SCHEDULES)(
  'gives the same losses and weights under %s on 1 to 4 ranks, with every recompute setting, optimistic step on and off',
  { timeout: TIMEOUT_MS },
  async (schedule) => {
    expect.hasAssertions();
    const steps = scheduleTraits(schedule).optimistic ? ['on', 'off'] : ['on'];
    const cuts = RANKS.flatMap((pp) =>
      RECOMPUTE.flatMap((recompute) => steps.map((optimistic) => cut(schedule, pp, recompute, optimistic))),
    );
    await expectSameOfAll(cluster, cuts, { timeoutMs: TIMEOUT_MS });
  },
);

it.each(SCHEDULES)('gives the same under %s on 3 ranks when an agent is killed', async (schedule) => {
  expect.hasAssertions();
  await expectSameAfterKill(cluster, [schedule, 3], { undisturbed });
});
