import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError, assert } from '@millrace/core';
import { Client } from 'pg';
import { REACH_BOUNDS } from './connection-bounds';
import { databaseOfAnother, databaseUnreachable, migrationFailed } from './database.errors';
import { NO_FILTERS, withSchemaEngine } from './schema-engine';

/** Key of the advisory lock under which one of several replicas migrates; any number that nothing else uses. */
const MIGRATION_LOCK = 7_233_001;

/** The folder `prisma/` of this checkout or installation: next to `apps/`, also when this file runs from `dist/`. */
export function prismaFolder(from: string = __dirname): string {
  const candidate = join(from, 'prisma');
  if (existsSync(join(candidate, 'schema.prisma'))) return candidate;
  const parent = dirname(from);
  assert(parent !== from, 'no folder above the API holds prisma/schema.prisma');
  return prismaFolder(parent);
}

export function readSchema(folder: string = prismaFolder()): string {
  return readFileSync(join(folder, 'schema.prisma'), 'utf8');
}

/**
 * Applies the missing migrations in order; several replicas may start at once. @returns the names of those applied now
 */
export async function applyMigrations(databaseUrl: string, folder: string = prismaFolder()): Promise<string[]> {
  // A migration may take any time, but a server that is gone must not keep this process.
  const client = new Client({ connectionString: databaseUrl, ...REACH_BOUNDS });
  // What was lost is told by the query that needs it.
  client.on('error', () => undefined);
  await client.connect().catch((cause: unknown) => {
    throw databaseUnreachable(cause);
  });
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await refuseForeignTables(client, folder);
    return await applyLocked(databaseUrl, folder);
  } catch (cause) {
    throw cause instanceof AppError ? cause : migrationFailed(cause);
  } finally {
    // This ends the database session and with it the lock.
    await client.end();
  }
}

/**
 * If a DATABASE_URL that was left in the shell names another application's database, that database must not get our
 * tables, nor a failed row in its own table of migrations.
 */
async function refuseForeignTables(client: Client, folder: string): Promise<void> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e') ORDER BY relname LIMIT 3`,
  );
  if (tables.length === 0) return;
  const database = client.database ?? '';
  const { rows: found } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`,
  );
  const foreign = databaseOfAnother(
    database,
    tables.map(({ name }) => name),
  );
  if (found[0]?.exists !== true) throw foreign;
  const { rows: applied } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations',
  );
  const [first] = migrationNames(join(folder, 'migrations'));
  // An own start that was killed before its first migration leaves the table of migrations alone, and empty.
  if (applied.length === 0 && tables.every(({ name }) => name === '_prisma_migrations')) return;
  // A newer build may have applied migrations that are not known here, but every build began with the same one.
  if (!applied.some(({ name }) => name === first)) throw foreign;
}

async function applyLocked(databaseUrl: string, folder: string): Promise<string[]> {
  const migrationsList = migrationList(join(folder, 'migrations'));
  return withSchemaEngine(databaseUrl, readSchema(folder), async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    return appliedMigrationNames;
  });
}

/** The SQL that would bring a migrated database to `schema.prisma`; empty when migrations and schema agree. */
export async function missingMigration(databaseUrl: string, folder: string = prismaFolder()): Promise<string> {
  const schema = readSchema(folder);
  const files = [{ path: 'prisma/schema.prisma', content: schema }];
  const { stdout } = await withSchemaEngine(databaseUrl, schema, (engine) =>
    engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: folder },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: NO_FILTERS,
    }),
  );
  const sql = (stdout ?? '').trim();
  return sql === '-- This is an empty migration.' ? '' : sql;
}

/** In the order in which they are applied. */
function migrationNames(baseDir: string): string[] {
  if (!existsSync(baseDir)) return [];
  const entries = readdirSync(baseDir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.map(({ name }) => name).sort();
}

function migrationList(baseDir: string) {
  const directories = migrationNames(baseDir).map((path) => {
    const value = readFileSync(join(baseDir, path, 'migration.sql'), 'utf8');
    return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } };
  });
  const lockfile = { path: 'migration_lock.toml', content: 'provider = "postgresql"' };
  return { baseDir, lockfile, shadowDbInitScript: '', migrationDirectories: directories };
}
