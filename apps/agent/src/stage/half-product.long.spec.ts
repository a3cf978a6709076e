import { describe } from 'vitest';

/** Both families under a schedule of each kind. */
describe('all of', async () => {
  process.env['MILLRACE_HALVES'] = '1';
  await import('./half-product.spec.js');
});
