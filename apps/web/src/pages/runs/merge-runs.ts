import type { RunBody } from '@millrace/contracts';

type Listed = Pick<RunBody, 'id' | 'createdAt'>;

/**
 * All runs as they were read once, brought up to date by the newest ones as they are now: those are often read again,
 * the thousands before them are not. Both newest first.
 */
export function mergeRuns<T extends Listed>(all: readonly T[], newest: readonly T[]): readonly T[] {
  const oldest = newest.at(-1);
  if (oldest === undefined) return all;
  // What should be among the newest and is not was deleted.
  return [...newest, ...all.filter((run) => isBefore(run, oldest))];
}

/** In the order of the API's list: by time, then by id. */
function isBefore(a: Listed, b: Listed): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id);
}
