import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../process/run-command.mjs';
import { ROOT, hashFiles, hashText, readStamp, writeStamp } from '../process/stamp.mjs';
import { nestBuild } from './nest-build.mjs';

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

/** What the benchmarks are measured against is no dependency of Millrace: it has a package of its own. */
export async function installPeers() {
  const key = hashText(readFileSync(join(PEERS, 'package-lock.json'), 'utf8') + process.platform + process.arch);
  if (readStamp('bench-peers')?.key === key && existsSync(join(PEERS, 'node_modules'))) return;
  console.log('installing what the benchmarks are measured against');
  await runCommand('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--no-progress'], { cwd: PEERS });
  writeStamp('bench-peers', { key });
}

/** Compiles the programs of bench/src to dist/bench/src. */
export async function buildBench() {
  const key = hashFiles(INPUTS);
  if (readStamp('bench-build')?.key === key && existsSync(PROGRAM)) return;
  console.log('building the benchmarks');
  await nestBuild('bench', 'bench.tsbuildinfo');
  writeStamp('bench-build', { key });
}
