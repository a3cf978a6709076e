import type { Page } from '@millrace/contracts';

export interface PageQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

/** The API puts no more items into a page. */
const PAGE_COUNT = 1_000;

/** Every item of a paged list, at most `countMax` of them: `allPages((page) => client.agents(page))`. */
export async function allPages<T>(fetchPage: (query: PageQuery) => Promise<Page<T>>, countMax = 100_000): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const limit = Math.min(PAGE_COUNT, countMax - items.length);
    const page = await fetchPage({ limit, ...(typeof cursor === 'string' ? { cursor } : {}) });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && items.length < countMax);
  return items.slice(0, countMax);
}
