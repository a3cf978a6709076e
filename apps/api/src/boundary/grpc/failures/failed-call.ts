import type { ServiceError } from '@grpc/grpc-js';
import { AppError, describeError, type Logger, randomText } from '@millrace/core';
import { fromDatabase } from '../../from-database';
import { unexplainedFailure } from '../../unexplained-failure';
import { toServiceError } from './to-service-error';

const REQUEST_ID_CHARACTERS = 10;

/**
 * What a gRPC handler answers for anything thrown. What is not the caller's doing (a bug, a database that is away) is
 * in the log, under the id that the caller finds in the trailer `millrace-request-id`.
 */
export function failedCall(thrown: unknown, logger: Logger, method: string): ServiceError {
  if (thrown instanceof AppError && thrown.kind !== 'internal') return toServiceError(thrown);
  const request = { requestId: randomText(REQUEST_ID_CHARACTERS), method };
  const known = thrown instanceof AppError ? thrown : fromDatabase(thrown);
  const error = known ?? unexplainedFailure(thrown, logger, request);
  if (known?.kind === 'internal' || known?.kind === 'unavailable')
    logger.error({ ...request, code: known.code, reason: describeError(known) }, 'request failed');
  const answer = toServiceError(error);
  answer.metadata.set('millrace-request-id', request.requestId);
  return answer;
}
