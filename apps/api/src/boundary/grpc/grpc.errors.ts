import { AppError } from '@millrace/core';

export function rangeInvalid(offset: number, length: number, bytes: number): AppError {
  return new AppError({
    code: 'BLOB.RANGE_INVALID',
    kind: 'invalid',
    message: `${length} bytes from ${offset} on are not a range of a blob of ${bytes} bytes`,
  });
}

/** A client of Watch does not read its events. */
export function watchTooSlow(runId: string, messageCountMax: number): AppError {
  return new AppError({
    code: 'GRPC.WATCH_TOO_SLOW',
    kind: 'exhausted',
    message: `more than ${messageCountMax} messages about ${runId} wait to be taken; watch again with the last sequence`,
  });
}

export function watchEnding(): AppError {
  return new AppError({
    code: 'GRPC.WATCH_ENDING',
    kind: 'unavailable',
    message: 'the API is shutting down; watch again with the last sequence that was seen',
  });
}

export function portTaken(address: string, cause: unknown): AppError {
  return new AppError({
    code: 'GRPC.PORT_TAKEN',
    kind: 'unavailable',
    cause,
    message: `the gRPC server cannot listen at ${address}; set MILLRACE_GRPC_PORT to a free port, or to 0 for any`,
  });
}

/** `retryAfterMs` travels in a RetryInfo and in the trailer `grpc-retry-pushback-ms`, which gRPC clients obey. */
export function callsLimited(callsPerSecond: number, retryAfterMs: number): AppError {
  return new AppError({
    code: 'GRPC.RATE_LIMITED',
    kind: 'rate_limited',
    message:
      `more than ${callsPerSecond} calls in a second by this token (or, without a token, by this address); ` +
      `try again in ${retryAfterMs} ms`,
    details: { retryAfterMs },
  });
}

export function tooManyOpen(countMax: number, whose: 'stranger' | 'token'): AppError {
  const message =
    whose === 'stranger'
      ? `more than ${countMax} calls without a token are open from this address; end some, or give a token`
      : `this token has ${countMax} streams open, which is the most; end some`;
  return new AppError({
    code: 'GRPC.TOO_MANY_OPEN',
    kind: 'rate_limited',
    message,
    details: { retryAfterMs: 1_000 },
  });
}
