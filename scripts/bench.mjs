#!/usr/bin/env node
/** `npm run bench [-- NAME …]`: set-up, the peers it measures beside, and bench/src/main.ts. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { runCommand } from './process/run-command.mjs';
import { ROOT, hashFiles, hashText, readStamp, writeStamp } from './process/stamp.mjs';
import { setUp, softwareDriverEnv } from './setup.mjs';

const PEERS = join(ROOT, 'bench/peers');
const PROGRAM = join(ROOT, 'dist/bench/src/main.js');
const INPUTS = [
  'apps',
  'libs',
  'bench/src',
  'tests/e2e/support',
  'tsconfig.json',
  'tsconfig.bench.json',
  'nest-cli.json',
];

try {
  await setUp();
  await installPeers();
  await buildBench();
} catch (error) {
  console.error(`set-up failed: ${error.message}`);
  exit(1);
}

const env = { ...process.env, ...softwareDriverEnv() };
const child = spawn(process.execPath, [PROGRAM, ...argv.slice(2)], { cwd: ROOT, stdio: 'inherit', env });
// The terminal's Ctrl-C reaches the child too; this one waits for it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => exit(code ?? 1));

/** What the benchmarks are measured against is no dependency of Millrace: it has a package of its own. */
async function installPeers() {
  const key = hashText(readFileSync(join(PEERS, 'package-lock.json'), 'utf8') + process.platform + process.arch);
  if (readStamp('bench-peers')?.key === key && existsSync(join(PEERS, 'node_modules'))) return;
  console.log('installing what the benchmarks are measured against');
  await runCommand('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--no-progress'], { cwd: PEERS });
  writeStamp('bench-peers', { key });
}

async function buildBench() {
  const key = hashFiles(INPUTS);
  if (readStamp('bench-build')?.key === key && existsSync(PROGRAM)) return;
  console.log('building the benchmarks');
  try {
    await runCommand('node', ['node_modules/@nestjs/cli/bin/nest.js', 'build', 'bench'], { cwd: ROOT });
  } catch (error) {
    rmSync(join(ROOT, 'dist/bench.tsbuildinfo'), { force: true });
    throw error;
  }
  writeStamp('bench-build', { key });
}
