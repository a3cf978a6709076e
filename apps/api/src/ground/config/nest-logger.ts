import type { LoggerService } from '@nestjs/common';
import { describeError, type Logger } from '@millrace/core';

/** Writes Nest's own messages into our log, most of them at debug level: they matter only when debugging its start. */
export function nestLogger(logger: Logger): LoggerService {
  const text = (message: unknown): string => (message instanceof Error ? describeError(message) : String(message));
  return {
    log: (message, context) => logger.debug({ context }, text(message)),
    debug: (message, context) => logger.debug({ context }, text(message)),
    verbose: (message, context) => logger.debug({ context }, text(message)),
    warn: (message, context) => logger.warn({ context }, text(message)),
    error: (message, ...details) => logger.error({ details }, text(message)),
    fatal: (message, ...details) => logger.error({ details }, text(message)),
  };
}
