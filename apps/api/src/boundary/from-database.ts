import type { AppError } from '@millrace/core';
import { databaseUnreachable, valueUnstorable } from '../ground/database/database.errors';
import { isRefusedByStorage, isUnreachable } from '../ground/database/prisma-failures';

/** What a caller is told of an error of the database that is none of the API; undefined for any other. */
export function fromDatabase(thrown: unknown): AppError | undefined {
  if (isUnreachable(thrown)) return databaseUnreachable(thrown);
  return isRefusedByStorage(thrown) ? valueUnstorable(thrown) : undefined;
}
