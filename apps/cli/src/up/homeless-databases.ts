import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { databaseInUse, databaseNotHomeless } from './up.errors';
import { OUTSIDE_PREFIX, RECORD_ENDING, SYSTEM_FOLDER } from './postgres-home';

/** A database outside its home, whose home is gone or has another one now. */
export interface HomelessDatabase {
  readonly folder: string;
  readonly home: string;
  readonly bytes: number;
}

/** Databases that no home leads to any more; older builds did not record the home, so that theirs are not told. */
export function homelessDatabases(systemFolder: string = SYSTEM_FOLDER): HomelessDatabase[] {
  if (!existsSync(systemFolder)) return [];
  return readdirSync(systemFolder)
    .filter((name) => name.startsWith(OUTSIDE_PREFIX) && name.endsWith(RECORD_ENDING))
    .map((name) => ({
      folder: join(systemFolder, name.slice(0, -RECORD_ENDING.length)),
      home: readFileSync(join(systemFolder, name), 'utf8').trim(),
    }))
    .filter(({ folder, home }) => existsSync(folder) && !leadsTo(join(home, 'postgres'), folder))
    .map((found) => ({ ...found, bytes: bytesOf(found.folder) }));
}

/**
 * Deletes one that `homelessDatabases` tells, and nothing else: not one whose server still runs.
 * @throws AppError UP.DATABASE_NOT_HOMELESS, UP.DATABASE_IN_USE
 */
export function deleteHomelessDatabase(folder: string, systemFolder: string = SYSTEM_FOLDER): HomelessDatabase {
  const found = homelessDatabases(systemFolder).find((each) => each.folder === folder);
  if (found === undefined) throw databaseNotHomeless(folder);
  const pid = serverOf(folder);
  if (pid !== undefined) throw databaseInUse(folder, pid);
  rmSync(folder, { recursive: true, force: true });
  // Last, so that a deletion that is interrupted is told again.
  rmSync(`${folder}${RECORD_ENDING}`, { force: true });
  return found;
}

function leadsTo(link: string, folder: string): boolean {
  try {
    return realpathSync(link) === realpathSync(folder);
  } catch {
    return false;
  }
}

/** Pid of the PostgreSQL server on these files. */
function serverOf(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    // Pids are used again: the command line must agree.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, path) => sum + (lstatSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
