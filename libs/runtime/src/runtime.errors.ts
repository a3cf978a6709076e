import { AppError } from '@millrace/core';

/** There is no adapter, or none with the wanted name. */
export function noAdapterError(wanted: string | undefined, cause?: unknown): AppError {
  const which = wanted === undefined ? 'no WebGPU adapter' : `no WebGPU adapter whose name contains "${wanted}"`;
  return new AppError({
    code: 'RUNTIME.NO_ADAPTER',
    kind: 'unavailable',
    message:
      `${which} was found; install a Vulkan driver, ` +
      "or Mesa's lavapipe 23 or newer and set VK_ICD_FILENAMES to its lvp_icd*.json",
    cause,
  });
}

export function deviceLostError(reason: string): AppError {
  return new AppError({ code: 'RUNTIME.DEVICE_LOST', kind: 'unavailable', message: `the device was lost: ${reason}` });
}

export function deviceError(message: string): AppError {
  return new AppError({
    code: 'RUNTIME.DEVICE_ERROR',
    kind: 'internal',
    message: `the device refused a command: ${message}`,
  });
}

export function outOfMemoryError(message: string, allocatedBytes: number): AppError {
  return new AppError({
    code: 'RUNTIME.OUT_OF_MEMORY',
    kind: 'exhausted',
    message:
      `the device is out of memory with ${allocatedBytes} bytes allocated (${message}); ` +
      'take a smaller train.batch.micro or more stages (parallel.pp)',
    details: { allocatedBytes },
  });
}

export interface TensorTooLarge {
  readonly name: string;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly limit: string;
}

export function tensorTooLargeError({ name, bytes, limitBytes, limit }: TensorTooLarge): AppError {
  return new AppError({
    code: 'RUNTIME.TENSOR_TOO_LARGE',
    kind: 'invalid',
    message:
      `tensor ${name} takes ${bytes} bytes but this adapter's ${limit} is ${limitBytes}; ` +
      'take a smaller train.batch.micro, context, vocab or hidden, or another adapter',
    details: { name, bytes, limitBytes, limit },
  });
}

export interface BindingTooLarge {
  readonly name: string;
  readonly kernel: string;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** A kernel must have all of a tensor at hand, and the adapter does not bind so much. */
export function bindingTooLargeError({ name, kernel, bytes, limitBytes }: BindingTooLarge): AppError {
  return new AppError({
    code: 'RUNTIME.BINDING_TOO_LARGE',
    kind: 'invalid',
    message:
      `kernel ${kernel} uses ${bytes} bytes of tensor ${name} at once, but this adapter's maxStorageBufferBindingSize ` +
      `is ${limitBytes}; take a smaller train.batch.micro, context, vocab or hidden, or another adapter`,
    details: { name, kernel, bytes, limitBytes },
  });
}

export function compileError(kernel: string, message: string): AppError {
  return new AppError({
    code: 'RUNTIME.COMPILE',
    kind: 'internal',
    message: `kernel ${kernel} did not compile: ${message}`,
  });
}

export function kernelWrongError(kernel: string, adapter: string, maxAbsDifference: number): AppError {
  return new AppError({
    code: 'RUNTIME.KERNEL_WRONG',
    kind: 'precondition',
    message:
      `kernel ${kernel} computes wrongly on ${adapter}, also by its simplest shader: it is ${maxAbsDifference} off its ` +
      'twin in double precision; install another version of the GPU driver, or take another device',
    details: { kernel, adapter, maxAbsDifference },
  });
}

export function tensorMismatchError(program: string, name: string, problem: string): AppError {
  return new AppError({
    code: 'RUNTIME.TENSOR_MISMATCH',
    kind: 'invalid',
    message: `program ${program}, tensor ${name}: ${problem}`,
    details: { program, name },
  });
}

export function destroyedError(): AppError {
  return new AppError({
    code: 'RUNTIME.DESTROYED',
    kind: 'aborted',
    message: 'the backend was destroyed while work was pending',
  });
}
