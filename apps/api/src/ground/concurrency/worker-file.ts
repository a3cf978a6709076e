import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** Of the checkout: apps/api/src/ground/concurrency is five folders down. */
const ROOT = resolve(__dirname, '../../../../..');

/**
 * The compiled file of a thread's entry. It lies beside the compiled caller; a caller that runs from its source, as in
 * tests, takes what the last build made of the entry.
 */
export function workerFile(folder: string, name: string): string {
  const beside = join(folder, `${name}.js`);
  return existsSync(beside) ? beside : join(ROOT, 'dist', relative(ROOT, folder), `${name}.js`);
}
