import { z } from 'zod';

/** Half a surrogate pair, which has no UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The largest number of a database's column of type int4, which is the type of fences, steps, ranks and stages. */
export const INT4_MAX = 2 ** 31 - 1;

/** A text that the database can store: Postgres accepts neither NUL nor, in JSON documents, half a surrogate pair. */
export const storableText = z
  .string()
  .refine((text) => !text.includes('\0') && !LONE_SURROGATE.test(text), 'must hold neither NUL nor half a character');

const SHORT_LENGTH_MAX = 256;
/** A text of a document that is stored and listed with others, which must not become long by it. */
export const shortText = storableText.max(SHORT_LENGTH_MAX);
/** What names something: it is not empty. */
export const nameText = shortText.min(1);
