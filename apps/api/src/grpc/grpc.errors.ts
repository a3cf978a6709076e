import { AppError } from '@millrace/core';

export function rangeInvalid(offset: number, length: number, bytes: number): AppError {
  return new AppError({
    code: 'BLOB.RANGE_INVALID',
    kind: 'invalid',
    message: `${length} bytes from ${offset} on are not a range of a blob of ${bytes} bytes`,
  });
}

export function portTaken(address: string, cause: unknown): AppError {
  return new AppError({
    code: 'GRPC.PORT_TAKEN',
    kind: 'unavailable',
    cause,
    message: `the gRPC server cannot listen at ${address}; set MILLRACE_GRPC_PORT to a free port, or to 0 for any`,
  });
}
