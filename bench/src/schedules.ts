import type { RunSpecInput, TimelineBody } from '@millrace/contracts';
import { type ComputeTimes, lowerSchedule, makeSchedule, type Schedule, simulateSchedule } from '@millrace/pipeline';
import { LiveCluster } from '../../tests/e2e/support/live-cluster';
import { createSmallDataset, smallRun } from '../../tests/e2e/support/small-run';
import { type Measurement, median } from './measurement';

const RANKS = 4;
const LAYERS = 8;
const MICRO = 2;
const MICRO_BATCHES = 9;
const STEPS = 10;
/** A micro-batch takes some 100 ms on a rank: much more than the own work of four agents, on two cores if need be. */
const GFLOPS = '0.4';
const CHUNKS = { '1f1b': 1, interleaved: 2, 'zb-h1': 1, 'zb-v': 2 } as const;
type ScheduleName = keyof typeof CHUNKS;

interface Timed {
  readonly measuredMs: number;
  readonly simulatedMs: number;
}

/**
 * Step times of four stages beside the simulation of the same schedule with the times measured in the same run. The
 * agents are paced: they take the time of a device, and compute nothing, since there may be fewer cores than agents.
 */
export async function benchSchedules(): Promise<{ steps: Measurement; gain: Measurement }> {
  const environment = { MILLRACE_PACED_GFLOPS: GFLOPS, MILLRACE_CPU_THREADS: '1' };
  const cluster = await LiveCluster.start({ agents: RANKS, environment });
  try {
    await createSmallDataset(cluster.client);
    const timed = {} as Record<ScheduleName, Timed>;
    for (const name of Object.keys(CHUNKS) as ScheduleName[]) timed[name] = await timeSchedule(cluster, name);
    return { steps: worstStep(timed), gain: zeroBubbleGain(timed) };
  } finally {
    await cluster.stop();
  }
}

function spec(schedule: ScheduleName): RunSpecInput {
  const stages = RANKS * CHUNKS[schedule];
  return smallRun(`timed-${schedule}`, {
    model: { layers: LAYERS },
    data: { validation: 0 },
    train: { steps: STEPS, batch: { global: MICRO * MICRO_BATCHES, micro: MICRO }, evalEvery: 0, checkpointEvery: 0 },
    parallel: {
      schedule,
      pp: RANKS,
      chunks: CHUNKS[schedule],
      partition: Array.from({ length: stages }, () => LAYERS / stages),
    },
  });
}

async function timeSchedule(cluster: LiveCluster, name: ScheduleName): Promise<Timed> {
  const { id } = await cluster.client.submitRun(spec(name));
  const run = await cluster.untilRun(id, ['succeeded']);
  const tokens = run.spec.model.context * MICRO * MICRO_BATCHES;
  const speeds = await cluster.metric(id, 'train/tokens_per_second');
  const schedule = makeSchedule({ name, ranks: RANKS, microBatches: MICRO_BATCHES, chunks: CHUNKS[name] });
  const stages = stageTimes(await cluster.client.timeline(id, { steps: STEPS }), schedule);
  return {
    measuredMs: (1000 * tokens) / median(speeds.filter(({ step }) => step > 1).map(({ value }) => value)),
    simulatedMs: simulateSchedule(lowerSchedule(schedule), { stages }).stepTime,
  };
}

/** Median milliseconds of each stage's actions; a stage is a chunk of a rank. */
function stageTimes({ steps }: TimelineBody, { stagesOfRank }: Schedule): ComputeTimes[] {
  const spans = steps.filter(({ step }) => step > 1).flatMap((step) => step.spans);
  const times: ComputeTimes[] = [];
  stagesOfRank.forEach((stages, rank) => {
    stages.forEach((stage, chunk) => {
      const own = spans.filter((span) => span.rank === rank && span.chunk === chunk);
      const of = (kind: 'F' | 'I' | 'W'): number =>
        median(own.filter((span) => span.kind === kind).map(({ durationUs }) => durationUs / 1000));
      times[stage] = { F: of('F'), I: of('I'), W: of('W') };
    });
  });
  return times;
}

/** The schedule whose measured step is farthest from the simulated one. */
function worstStep(timed: Readonly<Record<ScheduleName, Timed>>): Measurement {
  const distance = ({ measuredMs, simulatedMs }: Timed): number => Math.abs(measuredMs / simulatedMs - 1);
  const worst = Object.values(timed).reduce((a, b) => (distance(b) > distance(a) ? b : a));
  return {
    ours: worst.measuredMs,
    peer: worst.simulatedMs,
    ratio: worst.measuredMs / worst.simulatedMs,
    unit: 'ms per step',
    by: { how: `pp ${RANKS}, m = ${MICRO_BATCHES}, paced agents; peer = simulation with measured F, I, W`, timed },
  };
}

function zeroBubbleGain({ '1f1b': base, 'zb-v': zeroBubble }: Readonly<Record<ScheduleName, Timed>>): Measurement {
  const gained = 1 - zeroBubble.measuredMs / base.measuredMs;
  const predicted = 1 - zeroBubble.simulatedMs / base.simulatedMs;
  const how = 'part of a 1f1b step that zb-v saves; peer = what the simulation says of both with their measured times';
  return { ours: gained, peer: predicted, ratio: gained / predicted, unit: 'of a step', by: { how } };
}
