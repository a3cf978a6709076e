import { describeError } from '@millrace/core';
import { Prisma } from '../../generated/prisma/client';

/**
 * Prisma's codes for "cannot reach the database", as a query finds it and as a connection does, and P2028: it was too
 * busy for a transaction to begin or to end in time. Nothing was changed, so whoever asked may ask again.
 */
const UNREACHABLE_CODES = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'ECONNREFUSED'];

const hasCode = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && codes.includes(error.code);

/** For the log: without what was to be written, which a message of Prisma's repeats, keys and all. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Prisma.PrismaClientValidationError)) return describeError(error);
  return `${error.name}: ${error.message.trimEnd().split('\n').at(-1) ?? ''}`;
}

/** Another row has this value in a unique column. */
export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, ['P2002']);
}

/** Another row refers to this one. */
export function isForeignKeyViolation(error: unknown): boolean {
  return hasCode(error, ['P2003']);
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientInitializationError || hasCode(error, UNREACHABLE_CODES);
}

/** SQLSTATE query_canceled. */
const CANCELED = '57014';
/** SQLSTATE class "data exception": text with a NUL, a number out of range, a time that is none. */
const DATA_EXCEPTION = /^22/;
/** Prisma's own: a value that is too long for its column, is out of range, or that a query cannot carry. */
const VALUE_CODES = ['P2000', 'P2006', 'P2020', 'P2033'];

/** Postgres stopped a query at the transaction's statement_timeout. */
export function isStatementTimeout(error: unknown): boolean {
  return sqlStateOf(error) === CANCELED;
}

/** A value was refused for itself: it will be whenever it comes again. */
export function isUnstorable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientValidationError) return true;
  return hasCode(error, VALUE_CODES) || DATA_EXCEPTION.test(sqlStateOf(error) ?? '');
}

/** Prisma has one code of its own for whatever it has no code for; the adapter's error has that of Postgres. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return undefined;
  const failure = error.meta?.['driverAdapterError'] as { cause?: { originalCode?: unknown } } | undefined;
  const code = failure?.cause?.originalCode;
  return typeof code === 'string' ? code : undefined;
}
