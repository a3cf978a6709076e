import type { AppError } from '@millrace/core';
import { databaseUnreachable, valueUnstorable } from '../ground/database/database.errors';
import { isRefusedByStorage, isUnreachable } from '../ground/database/prisma-failures';

/** The error that a caller gets for an error of the database; undefined for errors that are not the database's. */
export function fromDatabase(thrown: unknown): AppError | undefined {
  if (isUnreachable(thrown)) return databaseUnreachable(thrown);
  return isRefusedByStorage(thrown) ? valueUnstorable(thrown) : undefined;
}
