import { AppError } from '@millrace/core';

export function blobCorrupt(sha256: string, found: string): AppError {
  const message = `blob ${sha256} arrived as ${found}: the API's copy is damaged`;
  return new AppError({ code: 'BLOB.CORRUPT', kind: 'internal', message });
}

export function stoppedRetrying(what: string, cause: unknown): AppError {
  return new AppError({
    code: 'BLOB.STOPPED',
    kind: 'aborted',
    message: `${what} was given up because the attempt is over`,
    cause,
  });
}

export function patienceOver(what: string, patienceMs: number, cause: AppError): AppError {
  return new AppError({
    code: 'BLOB.GIVEN_UP',
    kind: 'unavailable',
    message: `${what} was given up, because the API did not take it for ${patienceMs / 1000} s: ${cause.message}`,
    cause,
  });
}

export function homeUnwritable(path: string, cause: unknown): AppError {
  const message = `cannot write ${path}: free space on its disk, or set MILLRACE_HOME to another folder`;
  return new AppError({ code: 'AGENT.HOME_UNWRITABLE', kind: 'exhausted', message, cause });
}
