import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '@millrace/testing';
import { keepLogsShort } from './keep-logs-short';
import { lastLogLines } from './last-log-lines';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-logs-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const LINE = 'x'.repeat(99);

it('bounds a log that a process holds open and goes on writing, and loses none of its newest lines', () => {
  const clock = new FakeClock();
  const stop = keepLogsShort({ folder, clock, say: () => undefined, bytesMax: 1000 });
  const path = join(folder, 'agent-1.log');
  const file = openSync(path, 'a');
  const written: string[] = [];
  for (let round = 0; round < 50; round++) {
    for (let line = 0; line < 5; line++) {
      written.push(`${round} ${line} ${LINE}`);
      writeSync(file, `${written.at(-1)}\n`);
    }
    clock.fireNext();
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThan(4000);
  }
  closeSync(file);
  const kept = `${readFileSync(`${path}.1`, 'utf8')}${readFileSync(path, 'utf8')}`.trimEnd().split('\n');
  expect(kept).toEqual(written.slice(-kept.length));
  expect(kept.length).toBeGreaterThanOrEqual(10);
  expect(readdirSync(folder).sort()).toEqual(['agent-1.log', 'agent-1.log.1']);
  stop();
  expect(clock.fireNext()).toBe(false);
});

it('says once that a folder cannot be read, and goes on looking', () => {
  const clock = new FakeClock();
  const said: string[] = [];
  keepLogsShort({ folder: join(folder, 'none'), clock, say: (text) => said.push(text) });
  for (let look = 0; look < 3; look++) expect(clock.fireNext()).toBe(true);
  expect(said).toEqual([expect.stringContaining('cannot be kept short')]);
});

it('leaves the last lines of a process readable when its log began anew meanwhile', () => {
  const path = join(folder, 'api.log');
  const file = openSync(path, 'a');
  writeSync(file, 'the end\n');
  closeSync(file);
  expect(lastLogLines(path, 5000)).toEqual(['  the end']);
});
