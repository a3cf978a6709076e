#!/usr/bin/env node
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { buildWeb } from './build/build-web.mjs';
import { nestBuild } from './build/nest-build.mjs';
import { ROOT, hashFiles, readStamp, writeStamp } from './process/stamp.mjs';

const DIST = join(ROOT, 'dist');
const INPUTS = [
  ...['apps/api', 'apps/agent', 'apps/cli'],
  'libs',
  'tsconfig.json',
  'tsconfig.build.json',
  'nest-cli.json',
  'package-lock.json',
  'scripts/build.mjs',
];

/** Everything that runs from dist: the compiled apps, and the dashboard that the API serves. */
export async function build() {
  await buildNode();
  await buildWeb();
}

/**
 * Compiles apps and libs to dist/apps/NAME/src and dist/libs/NAME/src with Nest's tsc builder: it alone emits the
 * decorator metadata that injection by type needs, takes libs along, and turns `@millrace/NAME` into relative paths.
 * All projects share tsconfig.build.json, so building one builds all of them in one pass.
 */
async function buildNode() {
  const key = hashFiles(INPUTS);
  if (readStamp('build')?.key === key && existsSync(DIST)) return;
  console.log('building');
  await nestBuild('api', 'build.tsbuildinfo');
  removeOrphans('apps');
  removeOrphans('libs');
  checkAliases();
  writeStamp('build', { key });
}

/** An output whose source was renamed or removed must not go on answering imports. */
function removeOrphans(folder) {
  for (const file of outputFiles(folder)) {
    if (!existsSync(join(ROOT, file.replace(/\.js(\.map)?$/, '.ts')))) rmSync(join(DIST, file));
  }
}

/** Nest rewrites static imports and exports only: an `import('@millrace/…')` would fail when it runs. */
function checkAliases() {
  for (const file of [...outputFiles('apps'), ...outputFiles('libs')].filter((file) => file.endsWith('.js'))) {
    const alias = /(?:require|import)\(\s*["'](@millrace\/[^"']+)["']\s*\)/.exec(
      readFileSync(join(DIST, file), 'utf8'),
    );
    if (alias)
      throw new Error(`dist/${file} still imports ${alias[1]}: import it statically, at the top of the source file`);
  }
}

function outputFiles(folder) {
  if (!existsSync(join(DIST, folder))) return [];
  return readdirSync(join(DIST, folder), { recursive: true })
    .map((file) => `${folder}/${file}`)
    .filter((file) => /\.js(\.map)?$/.test(file));
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  build().catch((error) => {
    console.error(error.message);
    exit(1);
  });
}
