import type { RunSpecInput } from '@millrace/contracts';
import { SCHEDULE_NAMES, scheduleTraits } from '@millrace/pipeline';
import { expect } from 'vitest';
import type { LiveCluster, Outcome } from './live-cluster';
import { smallRun } from './small-run';

const LAYERS = 6;
/** Those whose results do not depend on the split. */
export const SCHEDULES = SCHEDULE_NAMES.filter((name) => scheduleTraits(name).flushes);
export const CHUNKED: ReadonlySet<string> = new Set(['interleaved', 'looped-bfs', 'zb-v', 'dualpipe-v']);
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

export type Parallel = NonNullable<RunSpecInput['parallel']>;

export type Schedule = (typeof SCHEDULES)[number];
export type Recompute = NonNullable<Parallel['recompute']>;

export function cut(schedule: Schedule, pp: number, recompute: Recompute = 'none', optimistic = 'on'): Parallel {
  const [whole, halved] = SPLITS[pp - 1]!;
  const isChunked = CHUNKED.has(schedule);
  const [chunks, partition] = isChunked ? [2, halved] : [1, whole];
  return { schedule, pp, chunks, partition, recompute, optimisticStep: optimistic === 'on' };
}

export interface CutRun {
  readonly parallel: Parallel;
  readonly train?: Partial<RunSpecInput['train']>;
  /** The fields in which the model differs from the small one. */
  readonly model?: Partial<RunSpecInput['model']>;
}

/** A run of the small model, cut so. @returns its id */
export async function submitCut(
  cluster: LiveCluster,
  name: string,
  { parallel, train = {}, model = {} }: CutRun,
): Promise<string> {
  const run = smallRun(name, { model: { layers: LAYERS, ...model }, parallel, train });
  const { id } = await cluster.client.submitRun(run);
  return id;
}

/** Only the last step's checkpoint: those on the way are for the runs that are killed. */
const BRIEF = { steps: 8, evalEvery: 4, checkpointEvery: 0 };

/** That every cut gives what the whole model on one device gives, to the last bit. All are submitted at once. */
export async function expectSameOfAll(
  cluster: LiveCluster,
  cuts: readonly Parallel[],
  { timeoutMs, ...changes }: { readonly timeoutMs: number } & Omit<CutRun, 'parallel'>,
): Promise<Outcome> {
  const { model = {}, train: own = {} } = changes;
  const train = { ...BRIEF, ...own };
  const whole = await submitCut(cluster, 'whole', { parallel: { pp: 1 }, train, model });
  const runs = new Map<string, Parallel>();
  for (const parallel of cuts) {
    const name = `${parallel.schedule}-${parallel.pp}`;
    runs.set(await submitCut(cluster, name, { parallel, train, model }), parallel);
  }
  await cluster.untilRun(whole, ['succeeded'], timeoutMs);
  const reference = await cluster.outcome(whole);
  expect(reference.losses).toHaveLength(8);
  expect(reference.validation).toHaveLength(2);
  expect(reference.losses.at(-1)).toBeLessThan(reference.losses[0] ?? 0);
  for (const [id, parallel] of runs) {
    await cluster.untilRun(id, ['succeeded'], timeoutMs);
    expect(await cluster.outcome(id), JSON.stringify(parallel)).toEqual(reference);
  }
  return reference;
}

/** Of runs whose agents are killed, at a random moment of their middle third. */
export const KILLED = { steps: 15, checkpointEvery: 4 };

/** The run goes on by itself after one of its agents was killed, and ends as the undisturbed one. */
export async function expectSameAfterKill(
  cluster: LiveCluster,
  [schedule, pp]: readonly [Schedule, number],
  { undisturbed, ...changes }: { readonly undisturbed: Outcome } & Omit<CutRun, 'parallel'>,
): Promise<void> {
  const { model = {}, train: own = {} } = changes;
  const train = { ...KILLED, ...own };
  const id = await submitCut(cluster, `killed-${schedule}`, { parallel: cut(schedule, pp), train, model });
  const moment = Math.floor(KILLED.steps / 3 + (Math.random() * KILLED.steps) / 4);
  await cluster.untilStep(id, moment);
  const run = await cluster.client.run(id);
  expect(run.state, `at step ${moment}`).toBe('running');
  const victim = run.attempts.at(-1)?.stages[moment % pp];
  cluster.killAgent(victim?.agent ?? '');

  const ended = await cluster.untilRun(id, ['succeeded']);
  expect(ended.attempts.length).toBeGreaterThanOrEqual(2);
  expect(ended.attempts[0]?.failure?.class).toBe('node_lost');
  expect(ended.attempts[1]?.fence).toBeGreaterThan(ended.attempts[0]?.fence ?? 0);
  expect(await cluster.outcome(id)).toEqual(undisturbed);
}
