import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { GRPC_STATUS_OF_KIND } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import { errorDetails } from './error-details';

/**
 * An error as gRPC tells it. The stable code travels in the trailer `millrace-code`, code and fields as the standard's
 * details.
 */
export function toServiceError(error: AppError): ServiceError {
  const metadata = new Metadata();
  metadata.set('millrace-code', error.code);
  const code = GRPC_STATUS_OF_KIND[error.kind];
  const details = error.message;
  metadata.set('grpc-status-details-bin', errorDetails(code, details, error));
  const { retryAfterMs } = error.details;
  if (typeof retryAfterMs === 'number') metadata.set('grpc-retry-pushback-ms', String(retryAfterMs));
  return Object.assign(new Error(details), { code, details, metadata });
}
