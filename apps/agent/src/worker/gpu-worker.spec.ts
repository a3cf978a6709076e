import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(__dirname, '../../../..');
/** An import or export that is still there when types are gone. */
const LOADS = /^(?:import|export) (?!type )(?:([^;'"]*?) from )?['"]([^'"]+)['"];/gm;

function isTypesAlone(names: string): boolean {
  const inBraces = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  const each = inBraces?.split(',').map((name) => name.trim());
  return each?.every((name) => name === '' || name.startsWith('type ')) ?? false;
}

function fileOf(importer: string, specifier: string): string | undefined {
  const own = /^@millrace\/([^/]+)(?:\/(plain))?$/.exec(specifier);
  if (own) return join(ROOT, 'libs', own[1]!, 'src', `${own[2] ?? 'index'}.ts`);
  if (!specifier.startsWith('.')) return undefined;
  const path = resolve(dirname(importer), specifier);
  return [`${path}.ts`, join(path, 'index.ts')].find((file) => existsSync(file));
}

/** Packages that a file loads by itself or by what it loads. */
function packagesOf(file: string, seen = new Set<string>(), packages = new Set<string>()): Set<string> {
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [, names = '', specifier = ''] of readFileSync(file, 'utf8').matchAll(LOADS)) {
    if (isTypesAlone(names)) continue;
    const next = fileOf(file, specifier);
    if (next !== undefined) packagesOf(next, seen, packages);
    else if (!specifier.startsWith('node:')) packages.add(specifier);
  }
  return packages;
}

it('loads no package but Dawn, which it opens when it runs: a GPU thread starts with every attempt', () => {
  expect([...packagesOf(join(__dirname, 'gpu-worker.ts'))]).toEqual([]);
  // The look finds packages, at first hand and behind libraries.
  const agent = packagesOf(join(__dirname, '..', 'agent.ts'));
  expect([...agent]).toEqual(expect.arrayContaining(['@grpc/grpc-js', 'zod']));
});
