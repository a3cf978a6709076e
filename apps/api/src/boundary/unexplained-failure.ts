import { AppError, type Logger } from '@millrace/core';
import { describeFailure } from '../ground/database/prisma-failures';

/** The request that failed: both the caller and the log get its id. */
export interface FailedRequest {
  readonly requestId: string;
  /** Requests over gRPC; those over HTTP are in the access log. */
  readonly method?: string;
}

/** A bug, or an error that nobody foresaw: the log has the reason, and the caller learns only where to look. */
export function unexplainedFailure(thrown: unknown, logger: Logger, request: FailedRequest): AppError {
  // Only the lines with locations are logged: the stack repeats the message, which may say too much.
  const stack = thrown instanceof Error ? thrown.stack?.match(/^ +at .*$/gm) : undefined;
  logger.error({ ...request, reason: describeFailure(thrown), stack }, 'request failed');
  return new AppError({
    code: 'API.INTERNAL',
    kind: 'internal',
    message: `the API failed on this request; its log has the reason under request id ${request.requestId}`,
  });
}
