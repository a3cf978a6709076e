import { fieldErrors, plainWords } from '@millrace/contracts';
import { z } from 'zod';
import { queryInvalid } from './boundary.errors';

export const LIMIT_MAX = 1000;
const LIMIT_DEFAULT = 100;

/** The parameters of every list: `limit` and `cursor`. */
export const pageQuerySchema = z.object({
  limit: z
    .string()
    .regex(/^\d+$/, `must be a whole number from 1 to ${LIMIT_MAX}`)
    .transform(Number)
    .pipe(z.int().min(1, `must be at least 1`).max(LIMIT_MAX, `must be at most ${LIMIT_MAX}`))
    .default(LIMIT_DEFAULT),
  cursor: z.string().min(1).max(1000).optional(),
});
export type PageRequest = z.output<typeof pageQuerySchema>;

/**
 * Parses a request's query by its schema; parameters that the schema does not know are ignored. @throws AppError
 * API.QUERY_INVALID
 */
export function parseQuery<T extends z.ZodType>(schema: T, query: unknown): z.output<T> {
  const parsed = schema.safeParse(query, { error: plainWords });
  if (!parsed.success) throw queryInvalid(fieldErrors(parsed.error));
  return parsed.data;
}
