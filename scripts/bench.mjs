#!/usr/bin/env node
/**
 * `npm run bench [-- NAME …]`: set-up, the peers it measures beside, and bench/src/main.ts; `npm run bench -- gpu` has a
 * program of its own, which needs none of those peers.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { buildBench, installPeers } from './build/build-bench.mjs';
import { ROOT } from './process/stamp.mjs';
import { setUp, softwareDriverEnv } from './setup.mjs';
import { ensureChromium } from './setup/install-chromium.mjs';

const isGpu = argv[2] === 'gpu';
const PROGRAM = join(ROOT, isGpu ? 'dist/bench/src/gpu/gpu-process.js' : 'dist/bench/src/main.js');

try {
  await setUp();
  if (!isGpu) await preparePeers();
  await buildBench();
} catch (error) {
  console.error(`set-up failed: ${error.message}`);
  exit(1);
}

async function preparePeers() {
  await installPeers();
  const problem = await ensureChromium();
  if (problem !== undefined) console.log(problem);
}

const env = { ...process.env, ...softwareDriverEnv() };
const child = spawn(process.execPath, [PROGRAM, ...argv.slice(isGpu ? 3 : 2)], { cwd: ROOT, stdio: 'inherit', env });
// The terminal's Ctrl-C reaches the child too; this one waits for it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => exit(code ?? 1));
