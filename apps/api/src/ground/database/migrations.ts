import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assert } from '@millrace/core';
import { Client } from 'pg';
import { databaseUnreachable, migrationFailed } from './database.errors';
import { NO_FILTERS, withSchemaEngine } from './schema-engine';

/** Key of the advisory lock under which one of several replicas migrates; any number that nobody else uses. */
const MIGRATION_LOCK = 7_233_001;

/** `prisma/` of this checkout or installation: next to `apps/`, also when this file runs from `dist/`. */
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

/** Applies what is missing, in order; several replicas may start at once. @returns the names of those applied now */
export async function applyMigrations(databaseUrl: string, folder: string = prismaFolder()): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect().catch((cause: unknown) => {
    throw databaseUnreachable(cause);
  });
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await applyLocked(databaseUrl, folder);
  } catch (cause) {
    throw migrationFailed(cause);
  } finally {
    // Ends the session and with it the lock.
    await client.end();
  }
}

async function applyLocked(databaseUrl: string, folder: string): Promise<string[]> {
  const migrationsList = migrationList(join(folder, 'migrations'));
  return withSchemaEngine(databaseUrl, readSchema(folder), async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    return appliedMigrationNames;
  });
}

/** SQL that brings a migrated database to `schema.prisma`; empty when migrations and schema agree. */
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

function migrationList(baseDir: string) {
  const names = existsSync(baseDir)
    ? readdirSync(baseDir, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : [];
  const directories = names
    .map(({ name }) => name)
    .sort()
    .map((path) => {
      const value = readFileSync(join(baseDir, path, 'migration.sql'), 'utf8');
      return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } };
    });
  const lockfile = { path: 'migration_lock.toml', content: 'provider = "postgresql"' };
  return { baseDir, lockfile, shadowDbInitScript: '', migrationDirectories: directories };
}
