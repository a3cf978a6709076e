import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { GRPC_STATUS_OF_KIND } from '@millrace/contracts';
import { AppError, type ErrorKind } from '@millrace/core';

const KIND_OF_STATUS: Readonly<Partial<Record<status, ErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.PERMISSION_DENIED]: 'forbidden',
  [status.NOT_FOUND]: 'not_found',
  [status.ALREADY_EXISTS]: 'conflict',
  [status.FAILED_PRECONDITION]: 'precondition',
  [status.OUT_OF_RANGE]: 'invalid',
  [status.RESOURCE_EXHAUSTED]: 'exhausted',
  [status.ABORTED]: 'aborted',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DEADLINE_EXCEEDED]: 'unavailable',
  [status.CANCELLED]: 'unavailable',
};

/** Turns the error of a failed call into ours. `what` says which call failed and whom it went to. */
export function fromServiceError(
  error: Pick<ServiceError, 'code' | 'details'> & Partial<Error>,
  what: string,
): AppError {
  const kind = KIND_OF_STATUS[error.code] ?? 'internal';
  return new AppError({
    code: `GRPC.${status[error.code] ?? 'UNKNOWN'}`,
    kind,
    message: `${what}: ${error.details || error.message || 'no reason given'}`,
    cause: error,
  });
}

/** How the agent's own services refuse a call. */
export function toPeerError(error: unknown): Partial<ServiceError> {
  const code = error instanceof AppError ? GRPC_STATUS_OF_KIND[error.kind] : status.INTERNAL;
  const details = error instanceof AppError ? error.message : 'internal error';
  return { code, details, metadata: new Metadata() };
}
