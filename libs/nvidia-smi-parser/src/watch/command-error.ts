/**
 * - NOT_FOUND: there is no such command: no NVIDIA driver, or another path is needed.
 * - NOT_STARTED: it is there and could not be started (permissions, no memory).
 * - EXITED: it ended with an error, and what it printed is no report; the message quotes it.
 * - TIMEOUT, OUTPUT_TOO_LARGE: it was killed for that.
 * - STILL_RUNNING: it was killed before and has not gone, as happens when the driver hangs; no second one is started.
 * - ABORTED: the caller's signal ended it.
 */
export type NvidiaSmiCommandErrorCode =
  'NOT_FOUND' | 'NOT_STARTED' | 'EXITED' | 'TIMEOUT' | 'OUTPUT_TOO_LARGE' | 'STILL_RUNNING' | 'ABORTED';

/** The command could not be run to its end. */
export class NvidiaSmiCommandError extends Error {
  override readonly name = 'NvidiaSmiCommandError';

  constructor(
    readonly code: NvidiaSmiCommandErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
