import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lastLogLines } from './last-log-lines';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('shows how the log of this start ends, documents as their messages', () => {
  const path = join(folder, 'api.log');
  const earlier = 'of an earlier start\n';
  writeFileSync(path, `${earlier}${JSON.stringify({ level: 60, msg: 'the API cannot start: no' })}\n\nplain\n`);
  expect(lastLogLines(path, earlier.length)).toEqual(['  the API cannot start: no', '  plain']);
});

it('shows a few lines, none of them long, and nothing of a log that is not there', () => {
  const path = join(folder, 'api.log');
  writeFileSync(path, 'x'.repeat(10_000) + '\n' + 'a\n'.repeat(9));
  expect(lastLogLines(path, 0)).toHaveLength(5);
  writeFileSync(path, 'x'.repeat(50_000));
  expect(lastLogLines(path, 0)[0]?.length).toBeLessThan(500);
  expect(lastLogLines(join(folder, 'none.log'), 0)).toEqual([]);
});
