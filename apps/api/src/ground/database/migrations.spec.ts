import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { applyMigrations, missingMigration } from './migrations';

describe('migrations', () => {
  let postgres: TemporaryPostgres;
  beforeAll(async () => {
    postgres = await startTemporaryPostgres();
  });
  afterAll(() => postgres.stop());

  it('are applied once, by one of several replicas that start together', async () => {
    const url = await postgres.createDatabase('replicas');
    const applied = await Promise.all([applyMigrations(url), applyMigrations(url), applyMigrations(url)]);
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await applyMigrations(url)).toEqual([]);
  });

  it('make exactly the tables of the schema (if not: node scripts/new-migration.mjs NAME)', async () => {
    await applyMigrations(postgres.url);
    expect(await missingMigration(postgres.url)).toBe('');
  });

  it.each([
    [
      'its own migrations',
      `CREATE TABLE _prisma_migrations (id text PRIMARY KEY, checksum text, migration_name text,
      finished_at timestamptz, logs text, rolled_back_at timestamptz, started_at timestamptz, applied_steps_count int);
      INSERT INTO _prisma_migrations VALUES ('1', '', '20200101000000_shop', now(), null, null, now(), 1)`,
    ],
    ['tables of its own', 'CREATE TABLE customers (id int)'],
  ])('refuse the database of another application with %s before they write', async (what, sql) => {
    const url = await postgres.createDatabase(`another_${what.length}`);
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(sql);
      const tables = 'SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace ORDER BY relname';
      const before = (await client.query(tables, ['public'])).rows;
      await expect(applyMigrations(url)).rejects.toMatchObject({ code: 'DATABASE.OF_ANOTHER_APPLICATION' });
      expect((await client.query(tables, ['public'])).rows).toEqual(before);
      if (sql.includes('_prisma_migrations'))
        expect((await client.query('SELECT id FROM _prisma_migrations')).rows).toHaveLength(1);
    } finally {
      await client.end();
    }
  });

  it('tell that Postgres does not answer', async () => {
    const url = `postgresql://postgres:x@127.0.0.1:1/postgres`;
    await expect(applyMigrations(url)).rejects.toMatchObject({ code: 'DATABASE.UNREACHABLE' });
  });
});
