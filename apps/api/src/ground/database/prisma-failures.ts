import { describeError } from '@millrace/core';
import { Prisma } from '../../generated/prisma/client';

/**
 * Prisma's codes for "cannot reach the database", from queries and from connections, and P2028: the database was too
 * busy for a transaction to begin or to end in time. Nothing was changed, so that the caller may try again.
 */
const UNREACHABLE_CODES = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'ECONNREFUSED'];

const hasCode = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && codes.includes(error.code);

/**
 * A description for the log. It leaves out the values that were to be written, which Prisma's messages repeat, keys and
 * all.
 */
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

/**
 * SQLSTATEs of a server that ends, starts or has no room for a connection, and of broken connections (class 08); see
 * the appendix "PostgreSQL Error Codes" of its manual.
 */
const UNREACHABLE_STATES = /^(08...|57P0[123]|53300)$/;
/** Words of the driver about a connection that broke or was not made; it has no codes for them. */
const UNREACHABLE_WORDS = new RegExp(
  [
    'Connection terminated',
    'Query read timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error',
    'ECONNREFUSED|ECONNRESET|EPIPE',
  ].join('|'),
);

/** Whether the database did not answer or broke off, so that the caller may try again. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientInitializationError || hasCode(error, UNREACHABLE_CODES)) return true;
  if (UNREACHABLE_STATES.test(sqlState(error) ?? '')) return true;
  const ofDatabase = error instanceof Error && /^(Prisma|DriverAdapter|Database)/.test(error.name);
  return ofDatabase && UNREACHABLE_WORDS.test(describeError(error));
}

/** SQLSTATE query_canceled. */
const CANCELED = '57014';
/** SQLSTATE class "data exception": text with a NUL, a number out of range, something that is not a time. */
const DATA_EXCEPTION = /^22/;
/** Prisma's own codes for a value that is too long for its column, is out of range, or cannot be part of a query. */
const VALUE_CODES = ['P2000', 'P2006', 'P2020', 'P2033'];

/** Whether Postgres stopped a query at the transaction's statement_timeout. */
export function isStatementTimeout(error: unknown): boolean {
  return sqlState(error) === CANCELED;
}

/** Whether a value was refused as such, so that it would be refused again. */
export function isUnstorable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientValidationError) return true;
  return hasCode(error, VALUE_CODES) || DATA_EXCEPTION.test(sqlState(error) ?? '');
}

/**
 * SQLSTATEs of a value that comes unchanged from outside: a NUL, half a character, a number or a time out of range.
 * Others of their class, such as a division by zero, are bugs in a query.
 */
const REFUSED_STATES = ['22021', '22P05', '22003', '22008'];
const REFUSED_CODES = ['P2000', 'P2020', 'P2033'];

/** Whether the database cannot store some value of a request. */
export function isRefusedByStorage(error: unknown): boolean {
  return hasCode(error, REFUSED_CODES) || REFUSED_STATES.includes(sqlState(error) ?? '');
}

/** Prisma uses one code for everything that it has no code for; the adapter's error then has the code of Postgres. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { meta, cause } = error as { meta?: { driverAdapterError?: { cause?: unknown } }; cause?: unknown };
  const { originalCode } = (meta?.driverAdapterError?.cause ?? cause ?? {}) as { originalCode?: unknown };
  return typeof originalCode === 'string' ? originalCode : undefined;
}
