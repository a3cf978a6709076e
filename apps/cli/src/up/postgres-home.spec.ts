import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { homelessDatabases } from './postgres-home';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-homes-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function database(name: string, home: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(`${path}.of`, `${home}\n`);
  return path;
}

it('tells the databases whose home is gone or has another one, and no others', () => {
  const home = join(folder, 'used');
  mkdirSync(home);
  const used = database('home-a', home);
  symlinkSync(used, join(home, 'postgres'));
  const before = database('home-b', home);
  const gone = database('home-c', join(folder, 'gone'));
  mkdirSync(join(folder, 'home-of-an-older-build'));
  expect(homelessDatabases(folder)).toEqual([
    { folder: before, home },
    { folder: gone, home: join(folder, 'gone') },
  ]);
  expect(homelessDatabases(join(folder, 'none'))).toEqual([]);
});
