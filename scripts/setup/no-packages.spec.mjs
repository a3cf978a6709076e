import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../process/stamp.mjs';

const STATIC_IMPORT = /^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm;

/** Every package that loading `file` needs, as `file: package`. */
function packagesOf(file, seen = new Set()) {
  if (seen.has(file)) return [];
  seen.add(file);
  const found = [];
  for (const [, from, alone] of readFileSync(file, 'utf8').matchAll(STATIC_IMPORT)) {
    const name = from ?? alone;
    if (name.startsWith('.')) found.push(...packagesOf(join(dirname(file), name), seen));
    else if (!name.startsWith('node:')) found.push(`${file}: ${name}`);
  }
  return found;
}

describe('in a checkout without node_modules', () => {
  it.each(['scripts/test.mjs', 'scripts/quickstart.mjs'])('%s loads, since it installs them', (script) => {
    expect(packagesOf(join(ROOT, script))).toEqual([]);
  });

  it('finds a package behind other scripts', () => {
    expect(packagesOf(join(ROOT, 'scripts/gen-schedules.mjs'))).toEqual([expect.stringContaining(': typescript')]);
  });
});
