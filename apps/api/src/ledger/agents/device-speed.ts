import type { OperationWork, StageOperations } from '@millrace/model';
import type { ComputeTimes } from '@millrace/pipeline';

/** What an agent measured of its device when it started. */
export interface DeviceSpeed {
  /** f32 matrix product, 1e9 operations per second. */
  readonly gflops: number;
  /** Bytes moved by kernels, 1e9 per second; Infinity when it was not measured. */
  readonly gigabytesPerSecond: number;
}

const GIGA = 1e9;

/** Undefined when the agent did not measure its matrix product. */
export function speedOf({ benchmark }: { readonly benchmark: unknown }): DeviceSpeed | undefined {
  const { matmulGflops = 0, memoryGbps = 0 } = benchmark as { matmulGflops?: number; memoryGbps?: number };
  if (!(matmulGflops > 0)) return undefined;
  return { gflops: matmulGflops, gigabytesPerSecond: memoryGbps > 0 ? memoryGbps : Infinity };
}

/**
 * Seconds of one micro-batch before anything was measured on this model: every kernel run takes what its operations
 * take at the speed of a matrix product or what its bytes take at the speed of streaming, whichever is more (the
 * roofline of Williams et al. 2009).
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
