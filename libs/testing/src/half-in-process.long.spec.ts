import { describe } from 'vitest';

/** Both models and every split on the adapter too. */
describe('all of', async () => {
  process.env['MILLRACE_HALVES'] = '1';
  await import('./half-in-process.spec.js');
});
