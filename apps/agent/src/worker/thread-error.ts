import { AppError, describeError } from '@millrace/core';
import type { ThreadError } from './worker-messages';

export function toThreadError(error: unknown): ThreadError {
  if (error instanceof AppError) {
    const { code, kind, details } = error;
    return {
      code,
      kind,
      message: describeError(error),
      details: JSON.parse(JSON.stringify(details)) as Record<string, unknown>,
    };
  }
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { code: 'AGENT.INTERNAL', kind: 'internal', message: describeError(error), details: { stack } };
}

export function fromThreadError(error: ThreadError): AppError {
  return new AppError({ ...error });
}
