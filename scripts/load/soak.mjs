#!/usr/bin/env node
/** `npm run soak -- --minutes N`: set-up, and bench/src/soak/soak-process.ts. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { buildBench } from '../build/build-bench.mjs';
import { ROOT } from '../process/stamp.mjs';
import { setUp, softwareDriverEnv } from '../setup.mjs';

try {
  await setUp();
  await buildBench();
} catch (error) {
  console.error(`set-up failed: ${error.message}`);
  exit(1);
}

const program = join(ROOT, 'dist/bench/src/soak/soak-process.js');
const env = { ...process.env, ...softwareDriverEnv() };
const child = spawn(process.execPath, [program, ...argv.slice(2)], { cwd: ROOT, stdio: 'inherit', env });
// The terminal's Ctrl-C reaches the child too; this one waits for it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => exit(code ?? 1));
