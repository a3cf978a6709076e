import type { AppError } from '@millrace/core';
import { describeError } from '@millrace/core';
import { destroyedError, deviceError, deviceLostError, outOfMemoryError } from '../runtime.errors';

/**
 * Remembers the first failure of a device. WebGPU reports errors as events some time after the call that caused them,
 * so that every call of the backend checks here first, and every wait ends with what is known here.
 */
export class DeviceFailure {
  /** Resolves with the first failure; never after the device was destroyed on purpose. */
  readonly failed: Promise<AppError>;
  private tell: (error: AppError) => void = () => undefined;
  private error: AppError | undefined;
  private destroyed = false;

  constructor(
    device: GPUDevice,
    private readonly allocatedBytes: () => number,
  ) {
    device.addEventListener('uncapturederror', (event) => this.record(event.error));
    this.failed = new Promise((resolve) => (this.tell = resolve));
    void device.lost.then(({ message, reason }) => {
      if (this.destroyed) return;
      // A lost device stays lost: all further calls say so, whatever failed before.
      this.error = deviceLostError(message === '' ? reason : message);
      this.tell(this.error);
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

  /** Finds the failure behind a rejected GPU promise. */
  explain(cause: unknown): AppError {
    return this.error ?? deviceError(describeError(cause));
  }

  private record(error: GPUError): void {
    // The classes of GPUError are not globals here, so that their names tell them apart.
    const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError';
    const failure = outOfMemory ? outOfMemoryError(error.message, this.allocatedBytes()) : deviceError(error.message);
    this.error ??= failure;
    if (!this.destroyed) this.tell(this.error);
  }
}
