import { AppError, type Logger } from '@millrace/core';
import { describeFailure } from '../ground/database/prisma-failures';

/** Which request failed: its id is what the caller is told and what the log has. */
export interface FailedRequest {
  readonly requestId: string;
  /** Of gRPC; HTTP's are in the access log. */
  readonly method?: string;
}

/** A bug, or something that nobody foresaw: the log has the reason, and the caller learns only where to look. */
export function unexplainedFailure(thrown: unknown, logger: Logger, request: FailedRequest): AppError {
  // Only where: a stack repeats the message, which may tell too much.
  const stack = thrown instanceof Error ? thrown.stack?.match(/^ +at .*$/gm) : undefined;
  logger.error({ ...request, reason: describeFailure(thrown), stack }, 'request failed');
  return new AppError({
    code: 'API.INTERNAL',
    kind: 'internal',
    message: `the API failed on this request; its log has the reason under request id ${request.requestId}`,
  });
}
