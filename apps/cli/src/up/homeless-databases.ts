import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { databaseInUse, databaseNotHomeless, homeNotOfDatabase } from './up.errors';
import { OUTSIDE_PREFIX, postgresOn, RECORD_ENDING, SYSTEM_FOLDER } from './postgres-home';

/** A database outside its home, whose home is gone or has another database now. */
export interface HomelessDatabase {
  readonly folder: string;
  /** Null if an older build made it, which recorded no home: it may be that some home still leads to it. */
  readonly home: string | null;
  readonly bytes: number;
}

export interface DeletionOptions {
  /** The home that the database was made for: it must be given if none is recorded. */
  readonly home?: string | undefined;
  readonly systemFolder?: string;
}

/** Older builds named a database after its home: by so many digits of the hash of the home's path. */
const PATH_KEY_DIGITS = 16;
const NAMED_BY_PATH = new RegExp(`^${OUTSIDE_PREFIX}[0-9a-f]{${PATH_KEY_DIGITS}}$`);

/** Databases to which no home leads any more, and those of which that is not known. */
export function homelessDatabases(systemFolder: string = SYSTEM_FOLDER): HomelessDatabase[] {
  if (!existsSync(systemFolder)) return [];
  const names = readdirSync(systemFolder);
  const unrecorded = names
    .filter((name) => NAMED_BY_PATH.test(name) && !names.includes(`${name}${RECORD_ENDING}`))
    .map((name) => ({ folder: join(systemFolder, name), home: null }));
  const homeless = names
    .filter((name) => name.startsWith(OUTSIDE_PREFIX) && name.endsWith(RECORD_ENDING))
    .map((name) => ({
      folder: join(systemFolder, name.slice(0, -RECORD_ENDING.length)),
      home: readFileSync(join(systemFolder, name), 'utf8').trim(),
    }))
    .filter(({ folder, home }) => existsSync(folder) && !leadsTo(join(home, 'postgres'), folder));
  return [...homeless, ...unrecorded].map((found) => ({ ...found, bytes: bytesOf(found.folder) }));
}

/**
 * Deletes a database that `homelessDatabases` lists; nothing else, and none whose server is still running. If no home
 * is recorded, `home` must be the one that the database is named after, and must not lead to it.
 * @throws AppError UP.DATABASE_NOT_HOMELESS, UP.DATABASE_IN_USE, UP.HOME_NOT_OF_DATABASE
 */
export function deleteHomelessDatabase(folder: string, options: DeletionOptions = {}): HomelessDatabase {
  const { home, systemFolder = SYSTEM_FOLDER } = options;
  const found = homelessDatabases(systemFolder).find((each) => each.folder === folder);
  if (found === undefined) throw databaseNotHomeless(folder);
  if (
    found.home === null &&
    (home === undefined || !isNamedAfter(folder, home) || leadsTo(join(home, 'postgres'), folder))
  )
    throw homeNotOfDatabase(folder, home);
  const pid = postgresOn(folder);
  if (pid !== undefined) throw databaseInUse(folder, pid);
  rmSync(folder, { recursive: true, force: true });
  // The record is deleted last, so that a database whose deletion was interrupted is listed again.
  rmSync(`${folder}${RECORD_ENDING}`, { force: true });
  return found;
}

/** As older builds named it: their home's path had no links in it. */
function isNamedAfter(folder: string, home: string): boolean {
  const key = createHash('sha256').update(home).digest('hex').slice(0, PATH_KEY_DIGITS);
  return basename(folder) === `${OUTSIDE_PREFIX}${key}`;
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
