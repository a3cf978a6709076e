import { assert } from '@millrace/core';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * Gives equal values the same text: without white space, with keys in the order of UTF-16 units, and numbers as
 * JSON.stringify writes them (the rules of RFC 8785). Members that are undefined are left out; anything else that is
 * not JSON is a bug.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  assert(typeof value !== 'number' || Number.isFinite(value), `${String(value)} is not a JSON number`);
  const text = JSON.stringify(value) as string | undefined;
  assert(text !== undefined, `a ${typeof value} is not JSON`);
  return text;
}
