import type { ErrorKind } from '@millrace/core';

/**
 * The gRPC status code with which API and agents answer each kind of failure. The numbers are those of google.rpc.Code,
 * since this library does not load gRPC. An old fence gets ABORTED.
 */
export const GRPC_STATUS_OF_KIND = {
  /** INVALID_ARGUMENT */
  invalid: 3,
  /** UNAUTHENTICATED */
  unauthenticated: 16,
  /** PERMISSION_DENIED */
  forbidden: 7,
  /** NOT_FOUND */
  not_found: 5,
  /** ALREADY_EXISTS */
  conflict: 6,
  /** FAILED_PRECONDITION */
  precondition: 9,
  /** RESOURCE_EXHAUSTED */
  too_large: 8,
  /** RESOURCE_EXHAUSTED */
  rate_limited: 8,
  /** RESOURCE_EXHAUSTED */
  exhausted: 8,
  /** UNAVAILABLE */
  unavailable: 14,
  /** ABORTED */
  aborted: 10,
  /** INTERNAL */
  internal: 13,
} as const satisfies Record<ErrorKind, number>;
