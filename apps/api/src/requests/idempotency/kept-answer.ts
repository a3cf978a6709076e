import type { JsonInput } from '../../ground/database/prisma.service';

/** Marks a kept answer that the database could not store as it is. */
const ENCODED = 'base64';

/** A model may write any character, but Postgres stores neither NUL nor half a surrogate pair in JSON. */
export function storable(json: string): JsonInput {
  if (!/\\u(0000|d[89a-f])/i.test(json)) return JSON.parse(json) as JsonInput;
  return { [ENCODED]: Buffer.from(json).toString('base64') };
}

export function answerOf(kept: unknown): unknown {
  const encoded = kept !== null && typeof kept === 'object' && Object.keys(kept).length === 1 && ENCODED in kept;
  return encoded ? JSON.parse(Buffer.from(String(kept[ENCODED]), 'base64').toString()) : kept;
}
