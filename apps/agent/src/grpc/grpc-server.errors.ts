import { AppError } from '@millrace/core';

export function portUnavailable(host: string, port: number, cause: unknown): AppError {
  const message = `cannot listen on ${host}:${port}: free it, or set MILLRACE_DATA_PORT to another port`;
  return new AppError({ code: 'GRPC.PORT_UNAVAILABLE', kind: 'unavailable', message, cause });
}
