#!/usr/bin/env node
/**
 * `node scripts/screenshots.mjs`: takes the pictures of docs/images anew, over a cluster that trains. With a folder as
 * argument: every page there, light, dark and as on a phone, to be looked at.
 */
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { buildBench } from './build/build-bench.mjs';
import { runCommand } from './process/run-command.mjs';
import { ROOT } from './process/stamp.mjs';
import { setUp, softwareDriverEnv } from './setup.mjs';
import { ensureChromium } from './setup/install-chromium.mjs';

const PROGRAM = join(ROOT, 'dist/bench/src/dashboard/screenshots-process.js');
const TIMEOUT_MS = 15 * 60_000;

try {
  await setUp();
  const problem = await ensureChromium();
  if (problem !== undefined) throw new Error(problem);
  await buildBench();
  const env = { ...process.env, ...softwareDriverEnv() };
  await runCommand('node', [PROGRAM, ...argv.slice(2, 3)], { cwd: ROOT, env, timeoutMs: TIMEOUT_MS });
} catch (error) {
  console.error(error.message);
  exit(1);
}
