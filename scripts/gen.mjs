#!/usr/bin/env node
/**
 * Generated code. `npm run gen` writes all of it; `--check` compares what is committed with what would be written.
 *   libs/kernels/src/kernels.generated.ts      committed   the .wgsl files, embedded
 *   libs/contracts/src/generated/grpc          committed   messages and services of proto/
 *   docs/schedules.md, docs/schedules          committed   every schedule of libs/pipeline, drawn and measured
 *   apps/api/src/generated/prisma              ignored     made at set-up from prisma/schema.prisma: it is large
 */
import { existsSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { runCommand } from './process/run-command.mjs';
import { ROOT, hashFiles, readStamp, writeStamp } from './process/stamp.mjs';
import { SCHEDULES_FOLDER, SCHEDULES_PAGE } from './schedules/page-paths.mjs';

const KERNELS_SCRIPT = 'scripts/gen-kernels.mjs';
const SCHEDULES_SCRIPT = 'scripts/gen-schedules.mjs';
const KERNELS_OUTPUT = 'libs/kernels/src/kernels.generated.ts';
const GRPC_OUTPUT = 'libs/contracts/src/generated/grpc';
const BUF = 'node_modules/@bufbuild/buf/bin/buf';
const PRISMA_OUTPUT = 'apps/api/src/generated/prisma';

/** What a checkout lacks. Committed files are left alone, so that set-up changes no tracked file. */
export async function generate() {
  const key = hashFiles(['prisma/schema.prisma', 'prisma.config.mjs', 'package-lock.json', 'scripts/gen.mjs']);
  if (readStamp('prisma')?.key === key && existsSync(join(ROOT, PRISMA_OUTPUT))) return;
  await generatePrisma();
  writeStamp('prisma', { key });
}

async function generatePrisma() {
  rmSync(join(ROOT, PRISMA_OUTPUT), { recursive: true, force: true });
  // Generating needs no schema engine, but the command would download one unless it is told of one.
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  await runCommand('node', ['node_modules/prisma/build/index.js', 'generate', '--no-hints'], { cwd: ROOT, env });
}

/** Writes the committed files; resolves to the paths whose content changed. */
async function generateCommitted() {
  const before = snapshot();
  if (existsSync(join(ROOT, KERNELS_SCRIPT))) await runCommand('node', [KERNELS_SCRIPT], { cwd: ROOT });
  await runCommand('node', [SCHEDULES_SCRIPT], { cwd: ROOT });
  await generateGrpc();
  return changedPaths(before, snapshot());
}

/** What reflection tells clients: the descriptors of all of proto/, as base64. */
async function writeDescriptors(folder) {
  const image = join(folder, 'image.binpb');
  // Locations are comments and line numbers: half of it, and no client asks for them.
  await runCommand('node', [BUF, 'build', '--as-file-descriptor-set', '--exclude-source-info', '-o', image], {
    cwd: ROOT,
  });
  const base64 = readFileSync(image).toString('base64');
  const lines = base64.match(/.{1,100}/g).map((line) => `  '${line}',`);
  const text = `/** A google.protobuf.FileDescriptorSet in base64. */\nexport const DESCRIPTORS_BASE64 = [\n${lines.join('\n')}\n].join('');\n`;
  writeFileSync(join(folder, 'descriptors.ts'), text);
  rmSync(image);
}

async function generateGrpc() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-gen-'));
  try {
    await runCommand('node', [BUF, 'generate', '-o', folder], { cwd: ROOT });
    await writeDescriptors(folder);
    const files = listFiles(folder);
    // A file whose .proto is gone goes too.
    for (const file of listFiles(join(ROOT, GRPC_OUTPUT))) {
      if (!files.includes(file)) rmSync(join(ROOT, GRPC_OUTPUT, file));
    }
    for (const file of files) writeIfChanged(join(ROOT, GRPC_OUTPUT, file), readFileSync(join(folder, file), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Paths of committed files that differ from what the sources give; the tree is left as it was. */
export async function staleFiles() {
  const before = snapshot();
  try {
    return await generateCommitted();
  } finally {
    restore(before, snapshot());
  }
}

function snapshot() {
  const folders = [GRPC_OUTPUT, SCHEDULES_FOLDER];
  const inFolders = folders.flatMap((folder) => listFiles(join(ROOT, folder)).map((file) => `${folder}/${file}`));
  const paths = [KERNELS_OUTPUT, SCHEDULES_PAGE, ...inFolders];
  return new Map(
    paths.filter((path) => existsSync(join(ROOT, path))).map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
  );
}

function changedPaths(before, after) {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort();
}

function restore(before, after) {
  for (const path of changedPaths(before, after)) {
    if (before.has(path)) writeFileSync(join(ROOT, path), before.get(path));
    else rmSync(join(ROOT, path));
  }
}

/** An unchanged file keeps its time, so that nothing is rebuilt for it. */
function writeIfChanged(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function listFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort();
}

async function main() {
  if (argv.includes('--check')) {
    const stale = await staleFiles();
    for (const path of stale)
      console.error(`${path} is not what its source gives: run \`npm run gen\` and commit the result`);
    return stale.length === 0 ? 0 : 1;
  }
  await generatePrisma();
  for (const path of await generateCommitted()) console.log(`wrote ${path}`);
  return 0;
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  main().then(exit, (error) => {
    console.error(error.message);
    exit(1);
  });
}
