import { AppError, describeError } from '@millrace/core';
import { SCHEDULE_NAMES, type ScheduleName } from '@millrace/pipeline';
import { type Backend, openCpuBackend } from '@millrace/runtime';
import { FakeClock, InMemoryNetwork } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { attemptPlan } from '../../../test/attempt-plans';
import { trainRanks } from '../../../test/train-ranks';
import { failureClass } from '../../attempt/failure-class';
import type { TensorFrame } from '../../data-plane/frame';
import { peerLost } from '../../data-plane/data-plane.errors';

const SEEDS_PER_SCHEDULE = 100;
const RANKS = 3;
const FAULTS = ['readback fails', 'device fails', 'send fails', 'readback hangs', 'frame is lost'] as const;
type Fault = (typeof FAULTS)[number];
/** Three deadlines of five minutes: what a rank gives a peer, from the start of its step. */
const LATEST_MS = 3 * 5 * 60_000;
const UNTIL_MS = 2 * 3_600_000;

interface Scene {
  readonly schedule: ScheduleName;
  readonly fault: Fault;
  /** Of the rank whose device or links fail. */
  readonly rank: number;
  /** How many readbacks or frames of that rank go well before. */
  readonly after: number;
}

/** Numbers below `limit` that follow from the seed (mulberry32). */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function sceneOf(schedule: ScheduleName, seed: number): Scene {
  const next = numbers(seed);
  return { schedule, fault: FAULTS[next(FAULTS.length)]!, rank: next(RANKS), after: next(12) };
}

const lost = (): AppError =>
  new AppError({ code: 'RUNTIME.DEVICE_LOST', kind: 'unavailable', message: 'the device was lost' });

/** A twin whose readbacks fail or hang, or which fails, after so many readbacks. */
function faulty(inner: Backend, { fault, after }: Scene): Backend {
  let reads = 0;
  let tell: (error: AppError) => void = () => undefined;
  const failed = new Promise<AppError>((resolve) => (tell = resolve));
  const read: Backend['read'] = (...given) => {
    if (reads++ < after) return inner.read(...given);
    if (fault === 'device fails') tell(lost());
    if (fault === 'readback fails') return Promise.reject(lost());
    return fault === 'readback hangs' ? new Promise(() => undefined) : inner.read(...given);
  };
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'read') return read;
      if (name === 'failed') return failed;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

interface Ending {
  readonly rank: number;
  readonly error: unknown;
  readonly atMs: number;
}

/** The first rank that ends, with what; undefined where the fault never came to pass. Then all of them must end. */
async function firstEnding(scene: Scene): Promise<Ending | undefined> {
  const { schedule, fault, rank, after } = scene;
  const clock = new FakeClock();
  let frames = 0;
  let first: Ending | undefined;
  let ended = 0;
  let allEnded = (): void => undefined;
  const everyRankEnded = new Promise<void>((resolve) => (allEnded = resolve));
  const network = new InMemoryNetwork<TensorFrame>({
    now: () => clock.now(),
    onSend: (from) => {
      if (from !== rank || (fault !== 'send fails' && fault !== 'frame is lost') || frames++ < after) return;
      if (fault === 'send fails') throw peerLost(rank, 0);
      return new Promise(() => undefined);
    },
  });
  const plan = attemptPlan({
    ranks: RANKS,
    schedule,
    steps: 3,
    microBatches: schedule === 'pipedream' ? 1 : 4,
    micro: 1,
    tied: false,
    model: { layers: 6, hidden: 4, ffn: 4, context: 3 },
    train: schedule.startsWith('pipedream') ? { evalEvery: 0, clip: undefined } : {},
  });
  const trained = trainRanks(
    { ...plan, expectedStepMs: 10 },
    {
      openBackend: (own) => (own === rank ? faulty(openCpuBackend(), scene) : openCpuBackend()),
      transport: (own) => network.transport(own),
      clock,
      // Peers learn from their links that a rank is gone.
      onEnd: (own, error) => {
        if (++ended === RANKS) allEnded();
        if (error === undefined) return;
        first ??= { rank: own, error, atMs: clock.monotonicMs() };
        network.fail(peerLost(own, 0));
      },
    },
  );
  await clock.run(trained, UNTIL_MS).catch((error: unknown) => {
    if (first === undefined) throw error;
  });
  await clock.run(everyRankEnded, UNTIL_MS);
  return first;
}

/** What is wrong with how the attempt ended. */
function complaint(scene: Scene, { rank, error, atMs }: Ending): string | undefined {
  if (!(error instanceof AppError)) return `ended with ${describeError(error)}`;
  const culprit = typeof error.details['rank'] === 'number' ? error.details['rank'] : rank;
  const told = `${error.code} (${failureClass(error)}) of rank ${rank} about rank ${culprit} after ${atMs} ms`;
  if (atMs > LATEST_MS) return `too late: ${told}`;
  switch (scene.fault) {
    case 'readback fails':
    case 'device fails':
      return error.code === 'RUNTIME.DEVICE_LOST' && rank === scene.rank && atMs === 0 ? undefined : told;
    case 'send fails':
      return error.code === 'DATA_PLANE.PEER_LOST' && atMs === 0 ? undefined : told;
    case 'readback hangs':
      return failureClass(error) === 'timed_out' && culprit === scene.rank ? undefined : told;
    case 'frame is lost':
      return failureClass(error) === 'timed_out' ? undefined : told;
    default:
      return scene.fault satisfies never;
  }
}

describe('an attempt whose parts fail', () => {
  it.each(SCHEDULE_NAMES)('under %s ends in time, with the right class and culprit', async (schedule) => {
    const complaints: string[] = [];
    let happened = 0;
    for (let seed = 1; seed <= SEEDS_PER_SCHEDULE; seed++) {
      const scene = sceneOf(schedule, seed);
      const ending = await firstEnding(scene);
      if (ending === undefined) continue;
      happened++;
      const wrong = complaint(scene, ending);
      if (wrong !== undefined) complaints.push(`seed ${seed}, ${JSON.stringify(scene)}: ${wrong}`);
    }
    expect(complaints).toEqual([]);
    expect(happened).toBeGreaterThan(SEEDS_PER_SCHEDULE / 2);
  });
});

/** A twin whose answers to `readAll` are up to the test. */
function withReadAll(
  inner: Backend,
  readAll: (...given: Parameters<Backend['readAll']>) => ReturnType<Backend['readAll']>,
): Backend {
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'readAll') return readAll;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('the watchdog of steps', () => {
  async function train(clock: FakeClock, backend: Backend, changes: Record<string, unknown>): Promise<unknown> {
    const network = new InMemoryNetwork<TensorFrame>({ now: () => clock.now() });
    const model = { layers: 1, hidden: 4, ffn: 4, context: 3 };
    const plan = attemptPlan({ steps: 2, tied: false, microBatches: 1, micro: 1, model, train: changes });
    const options = { openBackend: () => backend, transport: (rank: number) => network.transport(rank), clock };
    return clock.run(trainRanks({ ...plan, expectedStepMs: 1000 }, options), 10 * 3_600_000);
  }

  it('lets an evaluation take any time, as long as it goes on', async () => {
    const clock = new FakeClock();
    const inner = openCpuBackend();
    // Twelve groups of losses, of a minute each.
    const slow = withReadAll(inner, async (tensors, delayMs) => {
      if (tensors.length === 8) await new Promise<void>((resolve) => clock.after(60_000, resolve));
      return inner.readAll(tensors, delayMs);
    });
    await train(clock, slow, { evalEvery: 1, evalBatches: 96 });
    expect(clock.monotonicMs()).toBeGreaterThan(12 * 60_000);
  });

  it('notices a device that hangs while a checkpoint is taken', async () => {
    const clock = new FakeClock();
    const inner = openCpuBackend();
    let count = 0;
    const hung = withReadAll(inner, (...given) =>
      ++count > 1 ? new Promise(() => undefined) : inner.readAll(...given),
    );
    const training = train(clock, hung, { evalEvery: 0, evalBatches: 1, checkpointEvery: 1 });
    await expect(training).rejects.toMatchObject({ code: 'STAGE.TIMED_OUT', details: { rank: 0 } });
  });
});
