import { type handleUnaryCall, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type Logger, silentLogger } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { RunServiceAdapter } from './run-service.adapter';

describe('RunService', () => {
  it('says of a bug under which id the log has the reason, and the log has it', async () => {
    const lines: object[] = [];
    const logger: Logger = { ...silentLogger, error: (fields, message) => void lines.push({ fields, message }) };
    const access = { toRead: () => Promise.reject(new TypeError('x is not a function')) };
    const none = {} as never;
    const { get } = new RunServiceAdapter(access as never, none, none, none, none, none, logger).handlers;
    const call = {
      request: { id: 'run_1' },
      metadata: new Metadata(),
      getPath: () => '/millrace.run.v1.RunService/Get',
    };
    const error = await new Promise<ServiceError>((resolve) =>
      (get as handleUnaryCall<object, object>)(call as never, (failure) => resolve(failure as ServiceError)),
    );
    const requestId = String(error.metadata.get('millrace-request-id')[0]);
    expect(error.code).toBe(status.INTERNAL);
    expect(error.details).toBe(`the API failed on this request; its log has the reason under request id ${requestId}`);
    expect(lines).toMatchObject([
      { fields: { requestId, method: '/millrace.run.v1.RunService/Get' }, message: 'request failed' },
    ]);
    expect(JSON.stringify(lines)).toContain('x is not a function');
    expect(error.details).not.toContain('x is not a function');
  });
});
