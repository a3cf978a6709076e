import type { Page } from '@millrace/contracts';

/** Every item of a paged list, at most `countMax` of them. */
export async function allPages<T>(
  fetchPage: (cursor: string | undefined) => Promise<Page<T>>,
  countMax = 100_000,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && items.length < countMax);
  return items.slice(0, countMax);
}
