import type { Dims, Kernel } from '@millrace/kernels';
import type { BackendSpeed } from '../benchmark-backend';

/** For a device that nobody has measured yet: slower than most GPUs, so that it is not asked for too much at once. */
export const ASSUMED_SPEED: BackendSpeed = { matmulGflops: 100, memoryGBps: 10 };

/**
 * What was measured are matrix products. Other kernels give each element or row to an invocation of its own, and reach
 * a part of that; where it is less still, the measured times of submissions say so.
 */
const OTHER_KERNELS_PART = 1 / 8;
const PRODUCT = /^matmul_/;
const PER_MS = 1e6;

/** Milliseconds of a launch by what it computes and moves, as if nothing of the two overlapped. */
export function dispatchMs(kernel: Kernel, dims: Dims, { matmulGflops, memoryGBps }: BackendSpeed): number {
  const part = PRODUCT.test(kernel.name) ? 1 : OTHER_KERNELS_PART;
  return (kernel.flops(dims) / matmulGflops + kernel.bytes(dims) / memoryGBps) / PER_MS / part;
}

/** Milliseconds in which so many bytes are read or written. */
export function movingMs(bytes: number, { memoryGBps }: BackendSpeed): number {
  return bytes / memoryGBps / PER_MS;
}
