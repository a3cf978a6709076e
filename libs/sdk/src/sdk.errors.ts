import { AppError } from '@millrace/core';

/** Nothing answers at the API's address. */
export function apiUnreachable(origin: string, cause: unknown): AppError {
  return new AppError({
    code: 'SDK.API_UNREACHABLE',
    kind: 'unavailable',
    message: `no Millrace API answers at ${origin}; start one with \`millrace up\`, or set MILLRACE_ENDPOINT to where it runs`,
    cause,
  });
}

/** What answers is not a Millrace API of this version. */
export function unexpectedAnswer(path: string, what: string): AppError {
  return new AppError({
    code: 'SDK.UNEXPECTED_ANSWER',
    kind: 'internal',
    message: `the API answered ${path} with ${what}`,
  });
}
