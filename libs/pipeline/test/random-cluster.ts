import { RandomStream } from '@millrace/core';
import type { DeviceProfile, LayerCost, LayerSetting, PlanRequest, Workload } from '../src/planner/plan-request';
import type { ComputeTimes } from '../src/simulate/schedule-times';

/** Numbers in 0 .. 1, the same for the same seed. */
export class SeededNumbers {
  private readonly stream: RandomStream;
  private drawn = 0;

  constructor(seed: number) {
    this.stream = new RandomStream(seed, 'test', 'random-cluster');
  }

  next(): number {
    return this.stream.words(0, this.drawn++)[0] / 2 ** 32;
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next();
  }

  whole(least: number, most: number): number {
    return least + Math.floor((most - least + 1) * this.next());
  }
}

export interface ClusterSizes {
  readonly ranksMin?: number;
  readonly ranksMax: number;
  readonly blocksMax: number;
}

const MEBIBYTE = 2 ** 20;

/**
 * A cluster of devices up to 6 times as fast as others, whose speeds differ by layer and by F, I and W too; with and
 * without memory limits, links, spare devices and freedom of order.
 */
export function randomRequest(seed: number, { ranksMin = 2, ranksMax, blocksMax }: ClusterSizes): PlanRequest {
  const random = new SeededNumbers(seed);
  const ranks = random.whole(ranksMin, ranksMax);
  const blocks = random.whole(ranks, blocksMax);
  const deviceOrder = random.next() < 0.5 ? 'free' : 'given';
  const spare = deviceOrder === 'free' && ranks < 4 ? random.whole(0, 1) : 0;
  const limited = random.next() < 0.5;
  const microBatches = [random.whole(1, 12)];
  if (random.next() < 0.3) microBatches.push(2 * microBatches[0]!);
  const devices = Array.from({ length: ranks + spare }, (_, index): DeviceProfile => {
    const memoryBytes = limited ? random.between(0.7, 2.5) * (blocks / ranks) * 110 * MEBIBYTE : undefined;
    const profile = { label: `host:${index}`, kind: `kind ${index}`, speed: random.between(0.5, 3) };
    return memoryBytes === undefined ? profile : { ...profile, memoryBytes };
  });
  return {
    ranks,
    devices,
    deviceOrder,
    workloads: microBatches.map((m) =>
      randomWorkload(random, { microBatches: m, blocks, devices, shrink: m / microBatches[0]! }),
    ),
    candidates: ['gpipe', '1f1b'].flatMap((schedule) =>
      microBatches.flatMap((m) =>
        (['none', 'full'] as const).map((recompute) => ({ schedule, chunks: 1, microBatches: m, recompute })),
      ),
    ),
    emptyEnds: random.next() < 0.7,
    ...(random.next() < 0.5 ? { links: randomLinks(random, devices.length) } : {}),
  };
}

interface WorkloadSizes {
  readonly microBatches: number;
  readonly blocks: number;
  readonly devices: readonly DeviceProfile[];
  /** Times and activations of a micro-batch are divided by this. */
  readonly shrink: number;
}

function randomWorkload(random: SeededNumbers, { microBatches, blocks, devices, shrink }: WorkloadSizes): Workload {
  const block = random.between(0.5, 2) / shrink;
  const uneven = random.next() < 0.3;
  const layer = (work: number, weightMebibytes: number): LayerCost =>
    randomLayer(random, devices, { work, weightMebibytes, shrink });
  return {
    microBatches,
    embedding: layer(block * random.between(0, 0.3), random.between(5, 40)),
    blocks: Array.from({ length: blocks }, () => layer(uneven ? block * random.between(0.3, 2) : block, 20)),
    head: layer(block * random.between(0, 2.5), random.between(5, 40)),
    boundaryBytes: (4 * MEBIBYTE) / shrink,
    overhead: {
      none: { fixedBytes: MEBIBYTE, keptBytes: (4 * MEBIBYTE) / shrink, backwardBytes: (4 * MEBIBYTE) / shrink },
    },
  };
}

function randomLayer(
  random: SeededNumbers,
  devices: readonly DeviceProfile[],
  { work, weightMebibytes, shrink }: { work: number; weightMebibytes: number; shrink: number },
): LayerCost {
  const bytes = weightMebibytes * MEBIBYTE;
  const seconds = (again: number): Record<string, ComputeTimes> =>
    Object.fromEntries(
      devices.map(({ kind }) => {
        const F = work * random.between(0.9, 1.1);
        return [kind, { F, I: work * random.between(0.9, 1.2) + again * F, W: work * random.between(0.6, 1.1) }];
      }),
    );
  const held = (kept: number, backward: number): Omit<LayerSetting, 'seconds'> => ({
    keptBytes: (kept * MEBIBYTE) / shrink,
    backwardBytes: (backward * MEBIBYTE) / shrink,
    scratchBytes: (2 * MEBIBYTE) / shrink,
  });
  return {
    weightBytes: bytes,
    gradientBytes: bytes,
    optimizerBytes: 2 * bytes,
    stateBytes: 3 * bytes,
    settings: {
      none: { ...held(9, 3), seconds: seconds(0) },
      full: { ...held(2, 4), seconds: seconds(1) },
    },
  };
}

function randomLinks(random: SeededNumbers, count: number): PlanRequest['links'] {
  const fast = random.between(1, 200) * MEBIBYTE;
  return Array.from({ length: count }, () =>
    Array.from({ length: count }, () => ({
      bytesPerSecond: fast * random.between(0.2, 1),
      latencySeconds: random.between(0, 0.01),
    })),
  );
}
