import type { AppError, ErrorKind } from '@millrace/core';

/** The HTTP status of each kind of failure. */
export const kindToHttp = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition: 409,
  too_large: 413,
  rate_limited: 429,
  exhausted: 507,
  unavailable: 503,
  aborted: 409,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;

/** Errors for which HTTP has a more precise status than the one of their kind. */
const CODE_TO_HTTP: Readonly<Record<string, number>> = {
  'API.METHOD_NOT_ALLOWED': 405,
  'API.ETAG_DIFFERS': 412,
  'API.FILE_CHANGED': 412,
  'API.RANGE_BEYOND_FILE': 416,
  'API.CONTENT_TYPE_UNKNOWN': 415,
  'API.CONTENT_ENCODING_UNKNOWN': 415,
  'DATA.CONTENT_TYPE_UNKNOWN': 415,
  'API.IDEMPOTENCY_KEY_REUSED': 422,
};

export function httpStatusOf(error: Pick<AppError, 'code' | 'kind'>): number {
  return CODE_TO_HTTP[error.code] ?? kindToHttp[error.kind];
}
