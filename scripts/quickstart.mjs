#!/usr/bin/env node
/** `npm run quickstart`: set-up, then the example run of apps/cli/src/quickstart.ts. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { ROOT } from './process/stamp.mjs';
import { setUp, softwareDriverEnv } from './setup.mjs';

try {
  await setUp();
} catch (error) {
  console.error(`set-up failed: ${error.message}`);
  exit(1);
}

const program = join(ROOT, 'dist/apps/cli/src/quickstart.js');
const env = { ...process.env, ...softwareDriverEnv() };
const child = spawn(process.execPath, [program, ...argv.slice(2)], { cwd: ROOT, stdio: 'inherit', env });
// The terminal's Ctrl-C reaches the child too, which ends its processes and then itself; this one waits for it.
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => exit(code ?? 1));
