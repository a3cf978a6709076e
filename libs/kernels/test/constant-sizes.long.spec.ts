import { describe } from 'vitest';

/**
 * Runs every shape with its sizes as constants, as GPUs do, and every chosen shape in a GPU's variants.
 * conformance.spec.ts runs one of each so.
 */
describe('sizes as constants', async () => {
  process.env['MILLRACE_ALL_FORMS'] = '1';
  await import('./conformance.spec.js');
});
