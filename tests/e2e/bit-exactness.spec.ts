import type { RunSpecInput } from '@millrace/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster, type Outcome } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

const LAYERS = 6;
const SCHEDULES = ['gpipe', '1f1b', 'interleaved', 'looped-bfs', 'zb-h1', 'zb-h2', 'zb-v', 'dualpipe-v'] as const;
const CHUNKED: ReadonlySet<string> = new Set(['interleaved', 'looped-bfs', 'zb-v', 'dualpipe-v']);
/** Uneven splits by the number of stages, of one chunk per rank and of two; ends may be empty. */
const SPLITS: readonly (readonly [number[], number[]])[] = [
  [[6], [5, 1]],
  [
    [4, 2],
    [1, 3, 2, 0],
  ],
  [
    [0, 5, 1],
    [1, 1, 2, 1, 1, 0],
  ],
  [
    [2, 1, 3, 0],
    [0, 1, 1, 1, 1, 1, 1, 0],
  ],
];

type Parallel = NonNullable<RunSpecInput['parallel']>;

type Schedule = (typeof SCHEDULES)[number];
type Recompute = NonNullable<Parallel['recompute']>;

/**
 * Together they meet every pair of (agents, recompute), (agents, optimistic step) and (recompute, optimistic step), and
 * each schedule meets several of them. The twins run the whole product (apps/agent, *-product.spec.ts).
 */
const COVER: readonly (readonly [Schedule, number, Recompute, ('on' | 'off')?])[] = [
  ['gpipe', 3, 'selective'],
  ['gpipe', 2, 'full'],
  ['1f1b', 4, 'full'],
  ['interleaved', 3, 'none'],
  ['interleaved', 2, 'selective'],
  ['looped-bfs', 4, 'full'],
  ['zb-h1', 3, 'selective'],
  ['zb-h2', 2, 'none', 'on'],
  ['zb-h2', 4, 'selective', 'off'],
  ['zb-h2', 1, 'full', 'off'],
  ['zb-v', 3, 'full', 'on'],
  ['zb-v', 1, 'selective', 'on'],
  ['zb-v', 2, 'selective', 'off'],
  ['dualpipe-v', 4, 'none', 'off'],
  ['dualpipe-v', 3, 'full', 'off'],
  ['dualpipe-v', 4, 'selective', 'on'],
];

function cut(schedule: Schedule, pp: number, recompute: Recompute = 'none', optimistic = 'on'): Parallel {
  const [whole, halved] = SPLITS[pp - 1]!;
  const isChunked = CHUNKED.has(schedule);
  const [chunks, partition] = isChunked ? [2, halved] : [1, whole];
  return { schedule, pp, chunks, partition, recompute, optimisticStep: optimistic === 'on' };
}

/** A schedule that nobody generates: one more forward in advance than 1f1b has, and every W of rank 0 at the end. */
const OWN: Parallel = {
  schedule: 'csv',
  scheduleCsv: [
    '0F0,0F1,0F2,0F3,0I0,0F4,0I1,0I2,0I3,0I4,0W0,0W1,0W2,0W3,0W4',
    '1F0,1I0,1F1,1F2,1I1,1W0,1W1,1I2,1F3,1I3,1W2,1F4,1I4,1W3,1W4',
  ].join('\n'),
  pp: 2,
  partition: [1, 5],
  recompute: 'selective',
};

let cluster: LiveCluster;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster.stop();
});

async function submit(name: string, parallel: Parallel, train: Partial<RunSpecInput['train']> = {}): Promise<string> {
  const { id } = await cluster.client.submitRun(smallRun(name, { model: { layers: LAYERS }, parallel, train }));
  return id;
}

it('gives the same losses and weights, to the last bit, however a run is cut', { timeout: 480_000 }, async () => {
  // Only the last step's checkpoint: those on the way are for the runs that are killed.
  const train = { steps: 8, evalEvery: 4, checkpointEvery: 0 };
  const whole = await submit('whole', { pp: 1 }, train);
  // All at once: the queue fills the agents.
  const runs = new Map<string, Parallel>();
  for (const [schedule, pp, ...rest] of COVER) {
    const parallel = cut(schedule, pp, ...rest);
    runs.set(await submit(`${schedule}-${pp}`, parallel, train), parallel);
  }
  runs.set(await submit('own', OWN, train), OWN);
  await cluster.untilRun(whole, ['succeeded']);
  const reference = await cluster.outcome(whole);
  expect(reference.losses).toHaveLength(8);
  expect(reference.validation).toHaveLength(2);
  expect(reference.losses.at(-1)).toBeLessThan(reference.losses[0] ?? 0);
  for (const [id, parallel] of runs) {
    await cluster.untilRun(id, ['succeeded'], 400_000);
    expect(await cluster.outcome(id), JSON.stringify(parallel)).toEqual(reference);
  }
});

const KILLED = { steps: 15, checkpointEvery: 4 };
let undisturbed: Outcome;

it('trains undisturbed', async () => {
  const id = await submit('calm', { pp: 1 }, KILLED);
  await cluster.untilRun(id, ['succeeded']);
  undisturbed = await cluster.outcome(id);
  expect(undisturbed.losses).toHaveLength(KILLED.steps);
});

/** The run goes on by itself after one of its two agents was killed, at a random moment of its middle third. */
async function expectSameAfterKill(schedule: Schedule): Promise<void> {
  const id = await submit(`killed-${schedule}`, cut(schedule, 2), KILLED);
  const moment = Math.floor(KILLED.steps / 3 + (Math.random() * KILLED.steps) / 4);
  await cluster.untilStep(id, moment);
  const run = await cluster.client.run(id);
  expect(run.state, `at step ${moment}`).toBe('running');
  const victim = run.attempts.at(-1)?.stages[moment % 2];
  cluster.killAgent(victim?.agent ?? '');

  const ended = await cluster.untilRun(id, ['succeeded']);
  expect(ended.attempts.length).toBeGreaterThanOrEqual(2);
  expect(ended.attempts[0]?.failure?.class).toBe('node_lost');
  expect(ended.attempts[1]?.fence).toBeGreaterThan(ended.attempts[0]?.fence ?? 0);
  expect(await cluster.outcome(id)).toEqual(undisturbed);
}

it.each([
  ['gpipe', '1f1b'],
  ['interleaved', 'looped-bfs'],
  ['zb-h1', 'zb-h2'],
  ['zb-v', 'dualpipe-v'],
] as const)('gives the same under %s and %s, side by side, when an agent of each is killed', async (...schedules) => {
  expect.hasAssertions();
  await Promise.all(schedules.map(expectSameAfterKill));
});
