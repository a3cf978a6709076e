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

/** The database has tables that no build of Millrace made; nothing was written. */
export function databaseOfAnother(database: string, tables: readonly string[]): AppError {
  return new AppError({
    code: 'DATABASE.OF_ANOTHER_APPLICATION',
    kind: 'precondition',
    message:
      `the database ${database} that DATABASE_URL names holds tables of another application (${tables.join(', ')}); ` +
      'nothing was written. Unset DATABASE_URL for the embedded PostgreSQL, or name an empty database',
  });
}

/** Postgres does not accept a value of a request, in whichever field it is. */
export function valueUnstorable(cause: unknown): AppError {
  return new AppError({
    code: 'DATABASE.VALUE_UNSTORABLE',
    kind: 'invalid',
    cause,
    message: 'a text of the request has a NUL or half a character, or a number is out of range; send it without',
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
