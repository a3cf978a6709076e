import { z } from 'zod';

/** A whole number of things, at least one. */
export const count = (maximum: number): z.ZodInt => z.int().min(1).max(maximum);
