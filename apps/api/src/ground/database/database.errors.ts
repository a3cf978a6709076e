import { AppError } from '@millrace/core';

/** The tables could not be brought up to date. */
export function migrationFailed(cause: unknown): AppError {
  return new AppError({
    code: 'DATABASE.MIGRATION_FAILED',
    kind: 'unavailable',
    cause,
    message: 'the migrations could not be applied; look at the cause, and at the table _prisma_migrations',
  });
}

/** No connection to Postgres. */
export function databaseUnreachable(cause: unknown): AppError {
  return new AppError({
    code: 'DATABASE.UNREACHABLE',
    kind: 'unavailable',
    cause,
    message: 'Postgres does not answer; check that it runs and that DATABASE_URL is right',
  });
}
