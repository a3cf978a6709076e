import { status } from '@grpc/grpc-js';
import { AppError, type Logger, silentLogger } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { failedCall } from './failed-call';

function logUnderTest(): { readonly logger: Logger; readonly lines: { fields: object; message: string }[] } {
  const lines: { fields: object; message: string }[] = [];
  return { lines, logger: { ...silentLogger, error: (fields, message) => void lines.push({ fields, message }) } };
}

describe('a call that failed', () => {
  it('for a fault of the caller is told in full, and is no line of the log', () => {
    const { logger, lines } = logUnderTest();
    const error = failedCall(new AppError({ code: 'RUN.NOT_FOUND', kind: 'not_found', message: 'no' }), logger, '/a/B');
    expect(error).toMatchObject({ code: status.NOT_FOUND, details: 'no' });
    expect(error.metadata.get('millrace-request-id')).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('for a database that is away is in the log too', () => {
    const { logger, lines } = logUnderTest();
    const away = Object.assign(new Error('Connection terminated unexpectedly'), { name: 'DatabaseError' });
    expect(failedCall(away, logger, '/a/B').code).toBe(status.UNAVAILABLE);
    expect(lines).toMatchObject([{ fields: { method: '/a/B' }, message: 'request failed' }]);
  });
});
