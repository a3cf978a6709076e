import { AppError } from '@millrace/core';

/** The thread's event loop stands still, because native code of the driver does not return. */
export function threadSilent(silentMs: number): AppError {
  return new AppError({
    code: 'AGENT.GPU_THREAD_SILENT',
    kind: 'unavailable',
    message: `the thread that owns the device has said nothing for ${silentMs / 1000} s: its driver hangs; the agent starts anew`,
  });
}

export function threadDied(reason: string): AppError {
  return new AppError({
    code: 'AGENT.GPU_THREAD_DIED',
    kind: 'internal',
    message: `the thread that owns the device ended: ${reason}`,
  });
}
