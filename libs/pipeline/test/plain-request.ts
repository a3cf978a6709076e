import type { DeviceProfile, LayerCost, PlanRequest } from '../src/planner/plan-request';

export const MEBIBYTE = 2 ** 20;

export interface PlainRequest extends Partial<Omit<PlanRequest, 'devices'>> {
  /** One device each, `a:0`, `b:0` …; those of equal speed are alike. */
  readonly speeds: readonly number[];
  readonly memoryBytes?: number;
  readonly blocks?: number;
}

/** Blocks of 1 s for each of F, I and W and 40 MiB, 10 MiB kept; a light embedding and head; m = 4; 1f1b. */
export function plainRequest({ speeds, memoryBytes, blocks = 6, ...changes }: PlainRequest): PlanRequest {
  const devices = speeds.map((speed, index): DeviceProfile => {
    const device = { label: `${String.fromCharCode(97 + index)}:0`, kind: 'gpu', speed };
    return memoryBytes === undefined ? device : { ...device, memoryBytes };
  });
  return {
    ranks: devices.length,
    devices,
    workloads: [
      {
        microBatches: 4,
        embedding: layer(0.1),
        blocks: Array.from({ length: blocks }, () => layer(1)),
        head: layer(0.5),
        boundaryBytes: MEBIBYTE,
      },
    ],
    candidates: [{ schedule: '1f1b', chunks: 1, microBatches: 4, recompute: 'none' }],
    ...changes,
  };
}

function layer(seconds: number): LayerCost {
  const held = { backwardBytes: MEBIBYTE, scratchBytes: MEBIBYTE };
  const times = (again: number): LayerCost['settings']['none'] & object => ({
    ...held,
    keptBytes: (again === 0 ? 10 : 1) * MEBIBYTE,
    seconds: { gpu: { F: seconds, I: seconds * (1 + again), W: seconds } },
  });
  return {
    weightBytes: 10 * MEBIBYTE,
    gradientBytes: 10 * MEBIBYTE,
    optimizerBytes: 20 * MEBIBYTE,
    stateBytes: 30 * MEBIBYTE,
    settings: { none: times(0), full: times(1) },
  };
}
