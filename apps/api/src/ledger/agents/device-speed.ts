import type { OperationWork, StageOperations } from '@millrace/model';
import type { ComputeTimes } from '@millrace/pipeline';

/** What an agent measured of its device when it started. */
export interface DeviceSpeed {
  /** Speed of f32 matrix products, in 1e9 operations per second. */
  readonly gflops: number;
  /** Bytes that kernels move, in 1e9 per second; Infinity if this was not measured. */
  readonly gigabytesPerSecond: number;
}

const GIGA = 1e9;

/** Undefined if the agent did not measure its matrix products. */
export function speedOf({ benchmark }: { readonly benchmark: unknown }): DeviceSpeed | undefined {
  const { matmulGflops = 0, memoryGbps = 0 } = benchmark as { matmulGflops?: number; memoryGbps?: number };
  if (!(matmulGflops > 0)) return undefined;
  return { gflops: matmulGflops, gigabytesPerSecond: memoryGbps > 0 ? memoryGbps : Infinity };
}

/**
 * Estimates the seconds of one micro-batch before anything of this model was measured: every kernel takes as long as
 * its operations take at the speed of a matrix product, or as its bytes take at the speed of streaming, whichever is
 * longer (the roofline of Williams et al. 2009).
 */
export function rooflineTimes(operations: StageOperations, speed: DeviceSpeed): ComputeTimes {
  return {
    F: rooflineSeconds(operations.forward, speed),
    I: rooflineSeconds(operations.backwardInput, speed),
    W: rooflineSeconds(operations.backwardWeight, speed),
  };
}

function rooflineSeconds(operations: readonly OperationWork[], { gflops, gigabytesPerSecond }: DeviceSpeed): number {
  return operations.reduce(
    (sum, { flops, bytes }) => sum + Math.max(flops / (gflops * GIGA), bytes / (gigabytesPerSecond * GIGA)),
    0,
  );
}
