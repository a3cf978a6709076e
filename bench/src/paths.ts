import { join, resolve } from 'node:path';

/** The repository, seen from dist/bench/src. */
export const ROOT = resolve(__dirname, '../../..');
export const PEERS = join(ROOT, 'bench', 'peers');
export const RESULTS = join(ROOT, 'bench', 'results.json');
