import { z } from 'zod';

/** Half a surrogate pair: text that has no UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Text that the database can hold: Postgres takes neither NUL nor, in documents, half a surrogate pair. */
export const storableText = z
  .string()
  .refine((text) => !text.includes('\0') && !LONE_SURROGATE.test(text), 'must hold neither NUL nor half a character');
