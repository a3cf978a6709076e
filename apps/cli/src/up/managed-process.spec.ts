import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Clock } from '@millrace/core';
import { ManagedProcess } from './managed-process';

let home: string;
let waiting: Set<() => void>;
let clock: Clock;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-managed-'));
  waiting = new Set();
  clock = {
    now: () => 0,
    monotonicMs: () => 0,
    after: (_, task) => {
      waiting.add(task);
      return () => waiting.delete(task);
    },
  };
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function process(script: string, hasDriver = false): ManagedProcess {
  const plan = {
    name: 'part',
    command: globalThis.process.execPath,
    args: ['-e', script],
    environment: {},
    announces: true,
    hasDriver,
    stopSignal: 'SIGTERM' as const,
  };
  return new ManagedProcess(plan, home, clock, () => undefined);
}

it('leaves no timer behind once the process has announced itself', async () => {
  const part = process('console.log("a driver warns"); console.log("{}"); setInterval(() => 0, 1000)');
  expect(await part.start()).toBe('{}');
  expect(waiting.size).toBe(0);
  await part.stop(5000);
  expect(waiting.size).toBe(0);
});

it('tells what the process said last when it ends instead', async () => {
  const part = process('console.error(JSON.stringify({ msg: "the database is elsewhere" })); process.exitCode = 3');
  const started = part.start();
  part.retire();
  await expect(started).rejects.toThrow(/exited with code 3.*the database is elsewhere/s);
});

it('leaves no timer behind when the process ends instead', async () => {
  const part = process('process.exit(3)');
  const started = part.start();
  part.retire();
  await expect(started).rejects.toMatchObject({ code: 'UP.PART_FAILED' });
  expect(waiting.size).toBe(0);
});

it('gives up on a process that never announces itself', async () => {
  const part = process('setInterval(() => 0, 1000)');
  const started = part.start();
  const refused = expect(started).rejects.toThrow('was not ready within 240 s');
  for (const task of [...waiting]) task();
  await refused;
  await part.stop(5000);
});

it('logs the warning of a driver once, beside the log of the process and its last words', async () => {
  const script = `
    const { writeSync } = require('node:fs');
    for (const limit of [1, 2, 1, 2]) console.error('Warning: limit ' + limit + ' is reduced');
    writeSync(3, '{"msg":"taken in"}\\n{"msg":"taken in"}\\n');
    console.error('out of memory'); console.error('out of memory');
    process.exitCode = 3;`;
  const part = process(script, true);
  const started = part.start();
  part.retire();
  await expect(started).rejects.toThrow(/exited with code 3.*out of memory/s);
  const lines = readFileSync(part.logPath, 'utf8').trim().split('\n').sort();
  const once = ['Warning: limit 1 is reduced', 'Warning: limit 2 is reduced'];
  expect(lines).toEqual([...once, 'out of memory', 'out of memory', '{"msg":"taken in"}', '{"msg":"taken in"}']);
});
