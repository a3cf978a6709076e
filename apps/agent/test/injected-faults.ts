import { AppError, describeError } from '@millrace/core';
import type { ScheduleName } from '@millrace/pipeline';
import { type Backend, openCpuBackend } from '@millrace/runtime';
import { FakeClock, InMemoryNetwork } from '@millrace/testing';
import { expect } from 'vitest';
import { failureClass } from '../src/attempt/failure-class';
import { peerLost } from '../src/data-plane/data-plane.errors';
import type { TensorFrame } from '../src/data-plane/frame';
import { attemptPlan } from './attempt-plans';
import { trainRanks } from './train-ranks';

const RANKS = 3;
const FAULTS = [
  'readback fails',
  'readback hangs',
  'losses cannot be read',
  'losses are never read',
  'snapshot fails',
  'snapshot hangs',
  'checkpoint cannot be stored',
  'device fails',
  'device is lost',
  'send fails',
  'frame is lost',
] as const;
type Fault = (typeof FAULTS)[number];
/** Three deadlines of five minutes: what a rank gives a peer, from the start of its step. */
const LATEST_MS = 3 * 5 * 60_000;
const UNTIL_MS = 2 * 3_600_000;

/** Of what happens once or a few times in a step. */
const AFTER_MAX: Readonly<Partial<Record<Fault, number>>> = {
  'losses cannot be read': 3,
  'losses are never read': 3,
  'snapshot fails': 3,
  'snapshot hangs': 3,
  'checkpoint cannot be stored': 9,
};

interface Scene {
  readonly schedule: ScheduleName;
  readonly fault: Fault;
  /** Of the rank whose device or links fail. */
  readonly rank: number;
  /** How many readbacks, frames, checkpoints or tens of programs of that rank go well before. */
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
  const fault = FAULTS[next(FAULTS.length)]!;
  return { schedule, fault, rank: next(RANKS), after: next(AFTER_MAX[fault] ?? 12) };
}

const lost = (): AppError =>
  new AppError({ code: 'RUNTIME.DEVICE_LOST', kind: 'unavailable', message: 'the device was lost' });

/** Counts what may fail, and says so when it is to: from the `after`-th time on. */
class Trigger {
  fired = false;
  private count = 0;

  constructor(private readonly after: number) {}

  pull(): boolean {
    this.fired ||= this.count++ >= this.after;
    return this.fired;
  }
}

const READ_FAULTS: Readonly<Partial<Record<Fault, 'read' | 'losses' | 'snapshot'>>> = {
  'device fails': 'read',
  'readback fails': 'read',
  'readback hangs': 'read',
  'losses cannot be read': 'losses',
  'losses are never read': 'losses',
  'snapshot fails': 'snapshot',
  'snapshot hangs': 'snapshot',
};

const never = (): Promise<never> => new Promise(() => undefined);

/** A twin that fails, or of which readbacks of one kind fail or hang. */
function faulty(inner: Backend, fault: Fault, trigger: Trigger): Backend {
  let tell: (error: AppError) => void = () => undefined;
  const failed = new Promise<AppError>((resolve) => (tell = resolve));
  let isLost = false;
  const reading = <T>(kind: 'read' | 'losses' | 'snapshot', read: () => Promise<T>): Promise<T> => {
    if (isLost) return never();
    if (READ_FAULTS[fault] !== kind || !trigger.pull()) return read();
    if (fault === 'device fails') {
      tell(lost());
      return read();
    }
    return fault.endsWith('hangs') || fault === 'losses are never read' ? never() : Promise.reject(lost());
  };
  const own: Partial<Backend> = {
    failed,
    read: (...given) => reading('read', () => inner.read(...given)),
    // A snapshot is read piece by piece.
    readAll: (...given) =>
      reading(given[0].some((each) => 'elementOffset' in each) ? 'snapshot' : 'losses', () => inner.readAll(...given)),
    run: (program) => {
      if (fault === 'device is lost' && trigger.pull() && !isLost) {
        isLost = true;
        tell(lost());
      }
      inner.run(program);
    },
  };
  return new Proxy(inner, {
    get(target, name) {
      if (name in own) return own[name as keyof Backend];
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

interface Outcome {
  /** Whether the fault came to pass. */
  readonly fired: boolean;
  /** The first rank that failed, with what. */
  readonly first: Ending | undefined;
}

const storeFailed = (): AppError =>
  new AppError({ code: 'TEST.NOT_STORED', kind: 'unavailable', message: 'the block store takes nothing' });

/** Trains until every rank has ended, by the clock of the scene. */
async function play(scene: Scene): Promise<Outcome> {
  const { schedule, fault, rank, after } = scene;
  const clock = new FakeClock();
  const trigger = new Trigger(fault === 'device is lost' ? 10 * after : after);
  let first: Ending | undefined;
  let ended = 0;
  let allEnded = (): void => undefined;
  const everyRankEnded = new Promise<void>((resolve) => (allEnded = resolve));
  const network = new InMemoryNetwork<TensorFrame>({
    now: () => clock.now(),
    onSend: (from) => {
      if (from !== rank || (fault !== 'send fails' && fault !== 'frame is lost') || !trigger.pull()) return;
      if (fault === 'send fails') throw peerLost(rank, 0);
      return never();
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
    train: { checkpointEvery: 1, ...(schedule.startsWith('pipedream') ? { evalEvery: 0, clip: undefined } : {}) },
  });
  const trained = trainRanks(
    { ...plan, expectedStepMs: 10 },
    {
      openBackend: (own) => (own === rank ? faulty(openCpuBackend(), fault, trigger) : openCpuBackend()),
      transport: (own) => network.transport(own),
      clock,
      storeDelay: () =>
        fault === 'checkpoint cannot be stored' && trigger.pull() ? Promise.reject(storeFailed()) : Promise.resolve(),
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
  return { fired: trigger.fired, first };
}

/** What is wrong with how the attempt ended. */
function complaint(scene: Scene, ending: Ending | undefined): string | undefined {
  if (ending === undefined) return 'nobody noticed';
  const { rank, error, atMs } = ending;
  if (!(error instanceof AppError)) return `ended with ${describeError(error)}`;
  const culprit = typeof error.details['rank'] === 'number' ? error.details['rank'] : rank;
  const told = `${error.code} (${failureClass(error)}) of rank ${rank} about rank ${culprit} after ${atMs} ms`;
  if (atMs > LATEST_MS) return `too late: ${told}`;
  switch (scene.fault) {
    case 'readback fails':
    case 'losses cannot be read':
    case 'snapshot fails':
    case 'device fails':
    case 'device is lost':
      return failureClass(error) === 'node_lost' && rank === scene.rank && atMs === 0 ? undefined : told;
    case 'send fails':
      return error.code === 'DATA_PLANE.PEER_LOST' && atMs === 0 ? undefined : told;
    case 'checkpoint cannot be stored':
      return error.code === 'TEST.NOT_STORED' && atMs === 0 ? undefined : told;
    case 'readback hangs':
    case 'losses are never read':
    case 'snapshot hangs':
      return failureClass(error) === 'timed_out' && culprit === scene.rank ? undefined : told;
    case 'frame is lost':
      return failureClass(error) === 'timed_out' ? undefined : told;
    default:
      return scene.fault satisfies never;
  }
}

/** A seed whose fault does not come to pass is followed by another one; few are like that. */
const SEEDS_PER_FAULT_MAX = 10;

/** That so many faults under the schedule each end the attempt in time, with the right class and culprit. */
export async function expectRightEndings(schedule: ScheduleName, faultCount: number): Promise<void> {
  const complaints: string[] = [];
  let firedCount = 0;
  for (let seed = 1; firedCount < faultCount && seed <= SEEDS_PER_FAULT_MAX * faultCount; seed++) {
    const scene = sceneOf(schedule, seed);
    const { fired, first } = await play(scene);
    if (!fired) continue;
    firedCount++;
    const wrong = complaint(scene, first);
    if (wrong !== undefined) complaints.push(`seed ${seed}, ${JSON.stringify(scene)}: ${wrong}`);
  }
  expect(complaints).toEqual([]);
  expect(firedCount).toBe(faultCount);
}
