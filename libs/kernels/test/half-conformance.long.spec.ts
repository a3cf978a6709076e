import { describe } from 'vitest';

/**
 * Runs every form in f16 on all shapes of its kernel and on more, and on one of them in every variant that a GPU would
 * choose, which lavapipe compiles for minutes. conformance.spec.ts runs one or two shapes of each.
 */
describe('forms in f16', async () => {
  process.env['MILLRACE_HALVES'] = '1';
  await import('./conformance.spec.js');
});
