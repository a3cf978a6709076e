import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** The user that runs PostgreSQL, which refuses to run as root; undefined means the user that runs us. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

const USER = 'postgres';
/** The folder for what the PostgreSQL user must reach and cannot reach inside a private home. */
export const SYSTEM_FOLDER = '/var/lib/millrace';
export const OUTSIDE_PREFIX = 'home-';
/** The ending of the file beside a database outside its home that records which home it belongs to. */
export const RECORD_ENDING = '.of';

/** The user to run PostgreSQL as. It is made if we are root and it does not exist. */
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

/** Whether `user` may enter `path` and every folder above it. */
function reachable(path: string, user: PostgresUser): boolean {
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === '/') return true;
  }
}

/**
 * The folder of a home's database. It is in the home. If another user runs PostgreSQL and may not enter the home
 * (because of mode 0700, or below /root), it is under /var/lib/millrace, and the home has a link to it.
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
  // No home had this name before: a home that was deleted and made again must not find the old one's database.
  const folder = ownedFolder(join(SYSTEM_FOLDER, `${OUTSIDE_PREFIX}${randomBytes(8).toString('hex')}`), user);
  recordHome(folder, home);
  removeDeadLink(inHome);
  symlinkSync(folder, inHome);
  return folder;
}

/** The target of the home's link, if it leads to a database that is gone. */
function ownTarget(link: string): string | undefined {
  const found = lstatSync(link, { throwIfNoEntry: false });
  const target = found?.isSymbolicLink() === true ? readlinkSync(link) : '';
  return dirname(target) === SYSTEM_FOLDER ? target : undefined;
}

/** The record is beside the folder: initdb refuses a folder that is not empty. */
function recordHome(folder: string, home: string): void {
  writeFileSync(`${folder}${RECORD_ENDING}`, `${realpathSync(home)}\n`);
}

function ownedFolder(path: string, user: PostgresUser | undefined): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (user !== undefined) chownSync(path, user.uid, user.gid);
  return path;
}

/** symlinkSync fails if the link exists, even if its target is gone. Such a link is moved aside, and never deleted. */
function removeDeadLink(path: string): void {
  const dead = lstatSync(path, { throwIfNoEntry: false });
  if (dead !== undefined) renameSync(path, `${path}.dangling-${dead.ino}`);
}

/** The folder of the PostgreSQL programs: a copy, if `user` may not enter the folder in which they were installed. */
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

/** The pid of the PostgreSQL server on a folder, by its pid file; undefined if there is none. */
export function postgresOn(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return isPostgresOn(pid, folder) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Whether process `pid` is a PostgreSQL on `folder`. Pids are used again, so that the command line is compared too. */
export function isPostgresOn(pid: number, folder: string): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return commandLine.includes('postgres') && commandLine.includes(folder);
  } catch {
    return false;
  }
}
