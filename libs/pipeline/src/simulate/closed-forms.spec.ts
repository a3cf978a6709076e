import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowerSchedule } from '../lower/lower-schedule';
import { proveSchedule } from '../proof/prove-schedule';
import { slotSpans } from '../proof/slot-spans';
import { makeSchedule } from '../schedule/make-schedule';
import { SCHEDULE_NAMES, type Schedule, type ScheduleName } from '../schedule/schedule';
import { splitBackward } from '../schedule/split-backward';
import type { ComputeTimes } from './schedule-times';
import { simulateSchedule } from './simulate-schedule';

interface Case {
  readonly p: number;
  readonly m: number;
  readonly v: number;
  readonly times: ComputeTimes;
}

interface ClosedForm {
  readonly name: string;
  /** Where the form holds, in words for the test's name; `holds` draws and filters accordingly. */
  readonly domain: string;
  /** Turns any random case into one of the domain. */
  into(random: Case): Case;
  /** Idle time of each rank by makespan. */
  idle(each: Case): number;
  /** The longest span idle of a rank, where it is not the same. */
  spanIdle?(each: Case): number;
}

const ascending = ({ F, I, W }: ComputeTimes): [number, number, number] =>
  [F, I, W].sort((a, b) => a - b) as [number, number, number];

/** The other two keep their order, so that both F > I and I > F occur. */
const smallestIsW = ({ F, I, W }: ComputeTimes): ComputeTimes => {
  const [least, middle, most] = ascending({ F, I, W });
  return F < I ? { F: middle, I: most, W: least } : { F: most, I: middle, W: least };
};

const FORMS: readonly ClosedForm[] = [
  ...['gpipe', '1f1b', 'pipedream', 'pipedream-2bw'].map((name): ClosedForm => ({
    name,
    domain: name === 'pipedream-2bw' ? 'm >= p-1' : 'every m and all times',
    into: (random) => (name === 'pipedream-2bw' ? { ...random, m: Math.max(random.m, random.p - 1) } : random),
    idle: ({ p, times: { F, I, W } }) => (p - 1) * (F + I + W),
  })),
  {
    name: 'interleaved',
    domain: 'p divides m, all times',
    into: (random) => ({ ...random, m: Math.ceil(random.m / random.p) * random.p }),
    idle: ({ p, v, times: { F, I, W } }) => ((p - 1) * (F + I + W)) / v,
  },
  {
    name: 'looped-bfs',
    domain: 'm >= p, all times',
    into: (random) => ({ ...random, m: Math.max(random.m, random.p) }),
    idle: ({ p, v, times: { F, I, W } }) => ((p - 1) * (F + I + W)) / v,
  },
  {
    name: 'zb-h1',
    domain: 'm >= p, W <= min(F, I)',
    into: (random) => ({ ...random, m: Math.max(random.m, random.p), times: smallestIsW(random.times) }),
    idle: ({ p, times: { F, I, W } }) => (p - 1) * (F + I - W),
  },
  {
    name: 'zb-h2',
    domain: 'm >= 2p-1, W <= min(F, I)',
    into: (random) => ({ ...random, m: Math.max(random.m, 2 * random.p - 1), times: smallestIsW(random.times) }),
    idle: ({ p, times: { F, I, W } }) => (p - 1) * Math.max(F, F + I - 2 * W),
    spanIdle: ({ p, times: { F, I, W } }) => (p - 1) * Math.max(0, F + I - 2 * W),
  },
  {
    name: 'zb-v',
    domain: 'm >= 2p-1, W <= F <= I',
    into: (random) => {
      const [W, F, I] = ascending(random.times);
      return { ...random, m: Math.max(random.m, 2 * random.p - 1), times: { F, I, W } };
    },
    idle: ({ p, times: { I, W } }) => (p - 1) * Math.max(I / 2, I - W),
    spanIdle: ({ p, times: { I, W } }) => (p - 1) * (I - W),
  },
  {
    name: 'dualpipe-v',
    domain: 'm >= 2p, W <= I <= F',
    into: (random) => {
      const [W, I, F] = ascending(random.times);
      return { ...random, m: Math.max(random.m, 2 * random.p), times: { F, I, W } };
    },
    idle: ({ p, times: { F, I, W } }) => (p - 1) * (F + (I - W) / 2),
  },
];

/** Peak of a rank in units of 1/v of a micro-batch through its share, [until I, until W], were m without end. */
const PEAKS: Readonly<Record<ScheduleName, (rank: number, shape: Case) => [number, number]>> = {
  gpipe: (_, { m }) => [m, m],
  '1f1b': (rank, { p }) => [p - rank, p - rank],
  interleaved: (rank, { p, v }) => {
    const peak = v === 1 ? p - rank : 2 * (p - rank - 1) + (v - 1) * p + 1;
    return [peak, peak];
  },
  'looped-bfs': (_, { m, v }) => [m * v, m * v],
  'zb-h1': (rank, { p }) => [p - rank, p],
  'zb-h2': (rank, { p }) => [2 * (p - rank) - 1, 2 * p - 1],
  'zb-v': (_, { p }) => [2 * p, 2 * p],
  'dualpipe-v': (_, { p }) => [2 * p + 1, 2 * p + 1],
  pipedream: (rank, { p }) => [p - rank, p - rank],
  'pipedream-2bw': (rank, { p }) => [p - rank, p - rank],
};

const RUNS = { seed: 20_240_117, numRuns: 30 };
const LOOPED = ['interleaved', 'looped-bfs'];
const time = fc.double({ min: 0.01, max: 10, noNaN: true });
const cases: fc.Arbitrary<Case> = fc.record({
  p: fc.integer({ min: 1, max: 16 }),
  m: fc.integer({ min: 1, max: 64 }),
  v: fc.integer({ min: 1, max: 4 }),
  times: fc.record({ F: time, I: time, W: time }),
});

function scheduleOf(name: string, { p, m, v }: Case): Schedule {
  return makeSchedule({ name, ranks: p, microBatches: m, ...(LOOPED.includes(name) ? { chunks: v } : {}) });
}

describe.each(FORMS)('the closed form of $name where $domain', ({ name, into, idle, spanIdle }) => {
  it('is what the simulation takes', () => {
    fc.assert(
      fc.property(cases, (random) => {
        const each = into(random);
        const simulation = simulateSchedule(lowerSchedule(scheduleOf(name, each)), each.times);
        const tolerance = 1e-9 * simulation.stepTime;
        for (const rankIdle of simulation.idlePerRank) expect(Math.abs(rankIdle - idle(each))).toBeLessThan(tolerance);
        const span = Math.max(...simulation.spanIdlePerRank);
        expect(Math.abs(span - (spanIdle ?? idle)(each))).toBeLessThan(tolerance);
      }),
      RUNS,
    );
  });
});

describe.each(SCHEDULE_NAMES)('%s, p <= 16, m <= 64, v <= 4', (name) => {
  it('is proved: no deadlock, F, I, W once, W ascending, peaks within the formula', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), (random, split) => {
        const made = scheduleOf(name, random);
        const lowered = lowerSchedule(split ? splitBackward(made) : made);
        const { peakMicroBatches, linkSlots } = proveSchedule(lowered);
        expect(linkSlots).toBeLessThanOrEqual(made.linkSlotsLimit);
        for (let rank = 0; rank < random.p; rank++) {
          const [untilInput, untilWeight] = PEAKS[name](rank, random);
          expect(peakMicroBatches.untilInput[rank]).toBeLessThanOrEqual(untilInput / made.chunks);
          expect(peakMicroBatches.untilWeight[rank]).toBeLessThanOrEqual(untilWeight / made.chunks);
          const { fromForward } = slotSpans(lowered);
          const slots = made.stagesOfRank[rank]?.map((stage) => fromForward[stage] ?? 0) ?? [];
          expect(Math.max(...slots)).toBeLessThanOrEqual(made.inFlightLimit[rank] ?? 0);
        }
      }),
      { ...RUNS, numRuns: 15 },
    );
  });

  it('reaches the peaks of the formula with many micro-batches', () => {
    const each = { p: 5, m: 40, v: 2, times: { F: 1, I: 1, W: 1 } };
    const made = scheduleOf(name, each);
    const { peakMicroBatches } = proveSchedule(lowerSchedule(made));
    const formula = Array.from({ length: 5 }, (_, rank) => PEAKS[name](rank, each));
    expect(peakMicroBatches.untilInput).toEqual(formula.map(([untilInput]) => untilInput / made.chunks));
    expect(peakMicroBatches.untilWeight).toEqual(formula.map(([, untilWeight]) => untilWeight / made.chunks));
  });

  it('never runs two actions of a rank at once, nor a stage before its input, with random times and links', () => {
    const timed = fc.record({
      shape: fc.record({ p: fc.integer({ min: 1, max: 8 }), m: fc.integer({ min: 1, max: 20 }), v: fc.constant(2) }),
      seeds: fc.array(time, { minLength: 7, maxLength: 97 }),
      split: fc.boolean(),
    });
    fc.assert(
      fc.property(timed, ({ shape, seeds, split }) => {
        const made = scheduleOf(name, { ...shape, times: { F: 1, I: 1, W: 1 } });
        const at = (index: number): number => seeds[index % seeds.length] ?? 1;
        const stages = Array.from({ length: made.stages }, (_, s) => ({
          F: at(s),
          I: at(2 * s + 1),
          W: at(3 * s + 2),
        }));
        const links = stages.slice(1).map((_, s) => ({ forward: at(5 * s), backward: at(5 * s + 3) }));
        checkOrder(lowerSchedule(split ? splitBackward(made) : made), { stages, links });
      }),
      { ...RUNS, numRuns: 12 },
    );
  });
});

interface Times {
  readonly stages: readonly ComputeTimes[];
  readonly links: readonly { forward: number; backward: number }[];
}

function checkOrder(lowered: Schedule, { stages, links }: Times): void {
  const spans = new Map<string, { start: number; end: number }>();
  for (const row of simulateSchedule(lowered, { stages, links }).actions) {
    expect(row).toHaveLength(3 * lowered.chunks * lowered.microBatches);
    row.forEach(({ action, start, end }, index) => {
      expect(start).toBeGreaterThanOrEqual(row[index - 1]?.end ?? 0);
      spans.set(`${action.kind}${action.stage}.${action.microBatch}`, { start, end });
    });
  }
  for (let stage = 1; stage < lowered.stages; stage++) {
    const local = lowered.rankOfStage[stage] === lowered.rankOfStage[stage - 1];
    const { forward, backward } = local
      ? { forward: 0, backward: 0 }
      : (links[stage - 1] ?? { forward: 0, backward: 0 });
    for (let k = 0; k < lowered.microBatches; k++) {
      const at = (kind: string, s: number): { start: number; end: number } =>
        spans.get(`${kind}${s}.${k}`) ?? { start: NaN, end: NaN };
      expect(at('F', stage).start).toBeGreaterThanOrEqual(at('F', stage - 1).end + forward - 1e-9);
      expect(at('I', stage - 1).start).toBeGreaterThanOrEqual(at('I', stage).end + backward - 1e-9);
    }
  }
}
