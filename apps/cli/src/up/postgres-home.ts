import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Who runs PostgreSQL; undefined = whoever runs us. PostgreSQL refuses to run as root. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

const USER = 'postgres';
/** For what the PostgreSQL user must reach and cannot inside a private home. */
export const SYSTEM_FOLDER = '/var/lib/millrace';
export const OUTSIDE_PREFIX = 'home-';
/** Of the file beside a database outside its home, which says whose it is. */
export const RECORD_ENDING = '.of';

/** The user to run PostgreSQL as: made if we are root and it does not exist. */
export function postgresUser(): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (!userExists())
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', USER]);
  const id = (flag: string): number => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function userExists(): boolean {
  try {
    execFileSync('id', ['-u', USER], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether `user` may enter every folder above and including `path`. */
function reachable(path: string, user: PostgresUser): boolean {
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === '/') return true;
  }
}

/**
 * The database's folder for a home. It lies in the home; where another user runs PostgreSQL and may not enter the home
 * (mode 0700, or below /root), it lies under /var/lib/millrace and the home has a link to it.
 */
export function databaseFolder(home: string, user: PostgresUser | undefined): string {
  const inHome = join(home, 'postgres');
  if (existsSync(inHome)) {
    const folder = realpathSync(inHome);
    if (dirname(folder) === SYSTEM_FOLDER) recordHome(folder, home);
    return folder;
  }
  if (user === undefined || reachable(home, user)) return ownedFolder(inHome, user);
  mkdirSync(SYSTEM_FOLDER, { recursive: true, mode: 0o755 });
  const before = ownTarget(inHome);
  if (before !== undefined) return ownedFolder(before, user);
  // A name that no home had before: a home that was deleted and made again must not find the database of the old one.
  const folder = ownedFolder(join(SYSTEM_FOLDER, `${OUTSIDE_PREFIX}${randomBytes(8).toString('hex')}`), user);
  recordHome(folder, home);
  removeDeadLink(inHome);
  symlinkSync(folder, inHome);
  return folder;
}

/** Where the home's link leads, if to a database that is gone now. */
function ownTarget(link: string): string | undefined {
  const found = lstatSync(link, { throwIfNoEntry: false });
  const target = found?.isSymbolicLink() === true ? readlinkSync(link) : '';
  return dirname(target) === SYSTEM_FOLDER ? target : undefined;
}

/** Beside the folder: in it, initdb would find something. */
function recordHome(folder: string, home: string): void {
  writeFileSync(`${folder}${RECORD_ENDING}`, `${realpathSync(home)}\n`);
}

function ownedFolder(path: string, user: PostgresUser | undefined): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (user !== undefined) chownSync(path, user.uid, user.gid);
  return path;
}

/** A link whose target is gone would make symlinkSync fail; it is moved aside, never deleted. */
function removeDeadLink(path: string): void {
  const dead = lstatSync(path, { throwIfNoEntry: false });
  if (dead !== undefined) renameSync(path, `${path}.dangling-${dead.ino}`);
}

/** The folder of the PostgreSQL programs: a copy where `user` may not enter the folder they were installed in. */
export function programFolder(native: string, version: string, user: PostgresUser | undefined): string {
  if (user === undefined || reachable(native, user)) return native;
  const copy = join(SYSTEM_FOLDER, `postgresql-${version}`);
  if (existsSync(copy)) return copy;
  const partial = `${copy}.partial-${process.pid}`;
  mkdirSync(SYSTEM_FOLDER, { recursive: true, mode: 0o755 });
  cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
  if (existsSync(copy)) return copy;
  renameSync(partial, copy);
  return copy;
}
