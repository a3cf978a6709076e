import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
/** Inside node_modules, so that removing it forgets everything that was done. */
const STAMP_FOLDER = join(ROOT, 'node_modules/.cache/millrace');

export function readStamp(name) {
  try {
    return JSON.parse(readFileSync(join(STAMP_FOLDER, `${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

export function writeStamp(name, value) {
  mkdirSync(STAMP_FOLDER, { recursive: true });
  writeFileSync(join(STAMP_FOLDER, `${name}.json`), JSON.stringify(value));
}

export function hashText(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** One hash over names and contents of files; a folder stands for all files below it, a missing path for nothing. */
export function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((path) => listFiles(path)).sort()) {
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function listFiles(path) {
  try {
    return readdirSync(join(ROOT, path), { withFileTypes: true }).flatMap((entry) =>
      listFiles(`${path}/${entry.name}`),
    );
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}
