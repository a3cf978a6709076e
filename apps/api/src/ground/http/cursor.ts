import { storableText } from '@millrace/contracts';
import { z } from 'zod';
import { queryInvalid } from './boundary.errors';

/** Encodes a sort key as a text that clients send back without looking into it. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * The cursor with which the next page is asked for; null after the last page. `rows` has one row more than the `limit`
 * of a page if there is a next one.
 */
export function nextCursor<Row>(
  rows: readonly Row[],
  limit: number,
  cursorAfter: (lastOfPage: Row) => string,
): string | null {
  const last = rows[limit - 1];
  return rows.length > limit && last !== undefined ? cursorAfter(last) : null;
}

/** Decodes the sort key in a cursor. @throws AppError API.QUERY_INVALID, which names `cursor` */
export function decodeCursor<T extends z.ZodType>(cursor: string, key: T): z.output<T> {
  const parsed = key.safeParse(parseOrUndefined(cursor));
  if (!parsed.success) throw queryInvalid([{ path: '/cursor', message: 'must be a nextCursor of the same list' }]);
  return parsed.data;
}

function parseOrUndefined(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Sort key of lists that are ordered by (createdAt, id). */
export const createdKeySchema = z.tuple([z.iso.datetime(), storableText.min(1).max(200)]);

/** The cursor after a row of such a list. */
export function createdCursor({ createdAt, id }: { readonly createdAt: Date; readonly id: string }): string {
  return encodeCursor([createdAt.toISOString(), id]);
}
