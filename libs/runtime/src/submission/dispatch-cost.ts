import type { Dims, Kernel } from '@millrace/kernels';
import type { BackendSpeed } from '../benchmark-backend';

/**
 * The speed assumed for a device that nobody has measured yet: slower than most GPUs, so that it is not given too much
 * at once.
 */
export const ASSUMED_SPEED: BackendSpeed = { matmulGflops: 100, memoryGBps: 10 };

/**
 * The measured speed is that of matrix products. Other kernels give each element or row to one invocation, and reach a
 * part of it. If they are even slower, the measured times of submissions show it.
 */
const OTHER_KERNELS_PART = 1 / 8;
const PRODUCT = /^matmul_/;
const PER_MS = 1e6;

/** Milliseconds of a launch, from what it computes and what it moves, as if the two did not overlap. */
export function dispatchMs(kernel: Kernel, dims: Dims, { matmulGflops, memoryGBps }: BackendSpeed): number {
  const part = PRODUCT.test(kernel.name) ? 1 : OTHER_KERNELS_PART;
  return (kernel.flops(dims) / matmulGflops + kernel.bytes(dims) / memoryGBps) / PER_MS / part;
}

/** Milliseconds in which so many bytes are read or written. */
export function movingMs(bytes: number, { memoryGBps }: BackendSpeed): number {
  return bytes / memoryGBps / PER_MS;
}
