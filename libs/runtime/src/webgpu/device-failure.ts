import type { AppError } from '@millrace/core';
import { describeError } from '@millrace/core';
import { destroyedError, deviceError, deviceLostError, outOfMemoryError } from '../runtime.errors';

/**
 * Remembers the first failure of a device. WebGPU reports errors as events some time after the call that caused them,
 * so every call of the backend asks here first and every wait ends here.
 */
export class DeviceFailure {
  readonly lost: Promise<string>;
  private error: AppError | undefined;
  private destroyed = false;

  constructor(
    device: GPUDevice,
    private readonly allocatedBytes: () => number,
  ) {
    device.addEventListener('uncapturederror', (event) => this.record(event.error));
    this.lost = new Promise((resolve) => {
      void device.lost.then(({ message, reason }) => {
        if (this.destroyed) return;
        const text = message === '' ? reason : message;
        this.error = deviceLostError(text);
        resolve(text);
      });
    });
  }

  markDestroyed(): void {
    this.destroyed = true;
    this.error ??= destroyedError();
  }

  /** Throws the first failure, if there is one. */
  check(): void {
    if (this.error !== undefined) throw this.error;
  }

  /** The failure behind a rejected GPU promise. */
  explain(cause: unknown): AppError {
    return this.error ?? deviceError(describeError(cause));
  }

  private record(error: GPUError): void {
    // The classes of GPUError are not globals here, so the name tells them apart.
    const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError';
    this.error ??= outOfMemory ? outOfMemoryError(error.message, this.allocatedBytes()) : deviceError(error.message);
  }
}
