import type { BriefRunBody, Page } from '@millrace/contracts';

type Listed = Pick<BriefRunBody, 'id' | 'createdAt'>;

/**
 * Combines all runs, which were read once, with the newest ones, which are read often: reading thousands of older runs
 * again each time would cost too much. All three lists have the newest run first.
 */
export function mergeRuns<T extends Listed>(all: readonly T[], newest: readonly T[]): readonly T[] {
  const oldest = newest.at(-1);
  if (oldest === undefined) return all;
  // A run that should be among the newest and is not was deleted.
  return [...newest, ...all.filter((run) => isBefore(run, oldest))];
}

/** Appends the found runs that are not listed yet. They are older than the listed ones, so that the order holds. */
export function withFound<T extends Listed>(runs: readonly T[], found: readonly T[]): readonly T[] {
  if (found.length === 0) return runs;
  const ids = new Set(runs.map(({ id }) => id));
  return [...runs, ...found.filter(({ id }) => !ids.has(id))];
}

interface Pages<T> {
  readonly pages: Page<T>[];
  readonly pageParams: unknown[];
}

/**
 * Brings some runs of the list up to date by id; undefined stands for a run that is gone. Pages without such a run are
 * kept as they are.
 */
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

/** Compares in the order of the API's list: by time, then by id. */
function isBefore(a: Listed, b: Listed): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id);
}
