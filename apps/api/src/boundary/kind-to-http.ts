import type { ErrorKind } from '@millrace/core';

/** The HTTP status of each kind of failure. */
export const kindToHttp = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition: 412,
  too_large: 413,
  rate_limited: 429,
  exhausted: 507,
  unavailable: 503,
  aborted: 409,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;
