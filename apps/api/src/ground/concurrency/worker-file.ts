import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** The root of the checkout: apps/api/src/ground/concurrency is five folders below it. */
const ROOT = resolve(__dirname, '../../../../..');

/**
 * The compiled file of a thread's entry, which lies beside the compiled caller. A caller that runs from its source, as
 * in tests, uses what the last build made of the entry.
 */
export function workerFile(folder: string, name: string): string {
  const beside = join(folder, `${name}.js`);
  return existsSync(beside) ? beside : join(ROOT, 'dist', relative(ROOT, folder), `${name}.js`);
}
