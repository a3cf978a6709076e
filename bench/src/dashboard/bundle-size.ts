import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement } from '../measurement';
import { ROOT } from '../paths';

const BYTES_PER_KB = 1000;

/** All files of the dashboard as Brotli sends them, those that few pages load included. */
export function bundleSize(): Measurement {
  const folder = join(ROOT, 'dist', 'web');
  const files = readdirSync(folder, { recursive: true }).map(String);
  const sizes = files
    .filter((file) => file.endsWith('.br'))
    .map((file) => ({ file: file.replace(/\.br$/, ''), bytes: statSync(join(folder, file)).size }))
    .sort((a, b) => b.bytes - a.bytes);
  const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
  const how = 'sum of all Brotli files in dist/web; the largest ones are listed';
  return { ours: bytes / BYTES_PER_KB, peer: null, ratio: null, unit: 'kB', by: { how, largest: sizes.slice(0, 8) } };
}
