import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deleteHomelessDatabase, homelessDatabases } from './homeless-databases';

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
    { folder: before, home, bytes: 0 },
    { folder: gone, home: join(folder, 'gone'), bytes: 0 },
  ]);
  expect(homelessDatabases(join(folder, 'none'))).toEqual([]);
});

it('deletes a database without a home when it is asked to, and no other', () => {
  const home = join(folder, 'used');
  mkdirSync(home);
  const used = database('home-a', home);
  symlinkSync(used, join(home, 'postgres'));
  const gone = database('home-b', join(folder, 'gone'));
  writeFileSync(join(gone, 'PG_VERSION'), '17');
  for (const path of [used, join(folder, 'home-c'), '/', `${gone}/..`])
    expect(() => deleteHomelessDatabase(path, { systemFolder: folder })).toThrow(/not a left-over database/);
  expect(deleteHomelessDatabase(gone, { systemFolder: folder })).toMatchObject({ folder: gone, bytes: 2 });
  expect(existsSync(gone)).toBe(false);
  expect(existsSync(`${gone}.of`)).toBe(false);
  expect(existsSync(used)).toBe(true);
  expect(homelessDatabases(folder)).toEqual([]);
});

it('deletes what an older build made only for the home that it is named after, once that leads elsewhere', () => {
  const home = join(folder, 'older');
  const key = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const older = join(folder, `home-${key}`);
  mkdirSync(older);
  expect(homelessDatabases(folder)).toEqual([{ folder: older, home: null, bytes: 0 }]);
  const deletedFor = (given?: string): unknown => deleteHomelessDatabase(older, { home: given, systemFolder: folder });
  expect(() => deletedFor()).toThrow(/not recorded/);
  expect(() => deletedFor(join(folder, 'another'))).toThrow(/not the home/);
  mkdirSync(home);
  symlinkSync(older, join(home, 'postgres'));
  expect(() => deletedFor(home)).toThrow(/still leads to it/);
  rmSync(home, { recursive: true });
  expect(deletedFor(home)).toMatchObject({ folder: older });
  expect(homelessDatabases(folder)).toEqual([]);
});

it('deletes no database whose server runs', () => {
  const gone = database('home-b', join(folder, 'gone'));
  const server = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)', 'postgres', gone], {
    stdio: 'ignore',
  });
  try {
    writeFileSync(join(gone, 'postmaster.pid'), `${server.pid}\n`);
    expect(() => deleteHomelessDatabase(gone, { systemFolder: folder })).toThrow(new RegExp(`pid ${server.pid}`));
    writeFileSync(join(gone, 'postmaster.pid'), `${process.pid}\n`);
    expect(deleteHomelessDatabase(gone, { systemFolder: folder })).toMatchObject({ folder: gone });
  } finally {
    server.kill('SIGKILL');
  }
});
