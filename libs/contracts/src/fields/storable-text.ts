import { z } from 'zod';

/** Half a surrogate pair, which has no UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A text that the database can store: Postgres accepts neither NUL nor, in JSON documents, half a surrogate pair. */
export const storableText = z
  .string()
  .refine((text) => !text.includes('\0') && !LONE_SURROGATE.test(text), 'must hold neither NUL nor half a character');
