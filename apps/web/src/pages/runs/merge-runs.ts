import type { BriefRunBody, Page } from '@millrace/contracts';

type Listed = Pick<BriefRunBody, 'id' | 'createdAt'>;

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

/** Those that a search found and that are not listed, behind those that are: both newest first. */
export function withFound<T extends Listed>(runs: readonly T[], found: readonly T[]): readonly T[] {
  if (found.length === 0) return runs;
  const ids = new Set(runs.map(({ id }) => id));
  return [...runs, ...found.filter(({ id }) => !ids.has(id))];
}

interface Pages<T> {
  readonly pages: Page<T>[];
  readonly pageParams: unknown[];
}

/** The list with runs as they are now, by id; undefined for those that are gone. Pages without any of them stay. */
export function replaceRuns<T extends Listed>(
  data: Pages<T>,
  found: ReadonlyMap<string, T | undefined>,
): { pages: Page<T>[]; pageParams: unknown[] } {
  const pages = data.pages.map((page) => {
    if (!page.items.some(({ id }) => found.has(id))) return page;
    const items = page.items.flatMap((run) => (found.has(run.id) ? (found.get(run.id) ?? []) : run));
    return { ...page, items };
  });
  return { ...data, pages };
}

/** In the order of the API's list: by time, then by id. */
function isBefore(a: Listed, b: Listed): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id);
}
