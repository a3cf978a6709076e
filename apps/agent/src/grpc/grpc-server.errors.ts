import { AppError } from '@millrace/core';

export function portUnavailable(host: string, port: number, cause: unknown): AppError {
  const message = `cannot listen on ${host}:${port}: free it, or set MILLRACE_DATA_PORT to another port`;
  return new AppError({ code: 'GRPC.PORT_UNAVAILABLE', kind: 'unavailable', message, cause });
}

/** The caller learns nothing: its connection is closed. */
export function attemptUnnamed(): AppError {
  const message = 'it names no attempt of this agent: the caller is a stranger, or is early';
  return new AppError({ code: 'GRPC.ATTEMPT_UNNAMED', kind: 'forbidden', message });
}

export function messageTooLarge(bytes: number, bytesMax: number, compressed: boolean): AppError {
  const message = compressed
    ? 'a message is compressed: send frames uncompressed'
    : `a message has ${bytes} bytes: at most ${bytesMax} are taken`;
  return new AppError({ code: 'GRPC.MESSAGE_TOO_LARGE', kind: 'too_large', message });
}

export function methodUnknown(path: string): AppError {
  const message = `no method ${path}: an agent's data port serves StageService.Exchange alone`;
  return new AppError({ code: 'GRPC.METHOD_UNKNOWN', kind: 'not_found', message });
}
