import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { GRPC_STATUS_OF_KIND } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import { fromDatabase } from '../from-database';
import { errorDetails } from './error-details';

/**
 * The error that a gRPC handler returns for anything thrown. The stable code travels in the trailer `millrace-code`;
 * code and fields also travel as the standard's details. Of a bug the caller learns only that there was one.
 */
export function toServiceError(thrown: unknown): ServiceError {
  const error = thrown instanceof AppError ? thrown : fromDatabase(thrown);
  const metadata = new Metadata();
  metadata.set('millrace-code', error?.code ?? 'API.INTERNAL');
  const code = GRPC_STATUS_OF_KIND[error?.kind ?? 'internal'];
  const details = error?.message ?? 'the API failed; its log has the reason';
  const shown = error ?? { code: 'API.INTERNAL', fields: [], details: {} };
  metadata.set('grpc-status-details-bin', errorDetails(code, details, shown));
  const retryAfterMs = error?.details['retryAfterMs'];
  if (typeof retryAfterMs === 'number') metadata.set('grpc-retry-pushback-ms', String(retryAfterMs));
  return Object.assign(new Error(details), { code, details, metadata });
}
