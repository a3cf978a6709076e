import { AppError } from '@millrace/core';

/** A file named on the command line cannot be read. */
export function fileUnreadable(path: string, cause: unknown): AppError {
  return new AppError({
    code: 'CLI.FILE_UNREADABLE',
    kind: 'invalid',
    message: `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  });
}

export function fileNotWritten(path: string, cause: unknown): AppError {
  return new AppError({
    code: 'CLI.FILE_NOT_WRITTEN',
    kind: 'precondition',
    message: `${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  });
}

export function optionMissing(option: string): AppError {
  const message = `${option} is required for this schedule: give it on the command line`;
  return new AppError({ code: 'CLI.OPTION_MISSING', kind: 'invalid', message });
}

/** A program of this build is missing. */
export function programMissing(path: string): AppError {
  return new AppError({
    code: 'CLI.PROGRAM_MISSING',
    kind: 'precondition',
    message: `${path} is missing; build it with \`npm run setup\``,
  });
}
