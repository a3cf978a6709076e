import { status } from '@grpc/grpc-js';
import type { ErrorKind } from '@millrace/core';

/** The gRPC status of each kind of failure; ABORTED is what an old fence gets. */
export const kindToGrpc = {
  invalid: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  conflict: status.ALREADY_EXISTS,
  precondition: status.FAILED_PRECONDITION,
  too_large: status.RESOURCE_EXHAUSTED,
  rate_limited: status.RESOURCE_EXHAUSTED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  aborted: status.ABORTED,
  internal: status.INTERNAL,
} as const satisfies Record<ErrorKind, status>;
