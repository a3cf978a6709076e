import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { databaseInUse, databaseNotHomeless } from './up.errors';
import { OUTSIDE_PREFIX, postgresOn, RECORD_ENDING, SYSTEM_FOLDER } from './postgres-home';

/** A database outside its home, whose home is gone or has another database now. */
export interface HomelessDatabase {
  readonly folder: string;
  readonly home: string;
  readonly bytes: number;
}

/** Databases to which no home leads any more. Older builds did not record the home, so that theirs are not listed. */
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
 * Deletes a database that `homelessDatabases` lists; nothing else, and none whose server is still running.
 * @throws AppError UP.DATABASE_NOT_HOMELESS, UP.DATABASE_IN_USE
 */
export function deleteHomelessDatabase(folder: string, systemFolder: string = SYSTEM_FOLDER): HomelessDatabase {
  const found = homelessDatabases(systemFolder).find((each) => each.folder === folder);
  if (found === undefined) throw databaseNotHomeless(folder);
  const pid = postgresOn(folder);
  if (pid !== undefined) throw databaseInUse(folder, pid);
  rmSync(folder, { recursive: true, force: true });
  // The record is deleted last, so that a database whose deletion was interrupted is listed again.
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

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, path) => sum + (lstatSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
