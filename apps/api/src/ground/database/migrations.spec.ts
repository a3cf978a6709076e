import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { applyMigrations, missingMigration } from './migrations';

const PRISMAS_TABLE = `CREATE TABLE _prisma_migrations (id text PRIMARY KEY, checksum text NOT NULL,
  migration_name text NOT NULL, finished_at timestamptz, logs text, rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count int NOT NULL DEFAULT 0)`;

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
      `${PRISMAS_TABLE};
      INSERT INTO _prisma_migrations VALUES ('1', '', '20200101000000_shop', now(), null, null, now(), 1)`,
    ],
    ['tables of its own', 'CREATE TABLE customers (id int)'],
    ['tables beside an empty table of migrations', `${PRISMAS_TABLE}; CREATE TABLE customers (id int)`],
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
      const insertions = sql.includes('INSERT') ? 1 : 0;
      if (sql.includes(PRISMAS_TABLE))
        expect((await client.query('SELECT id FROM _prisma_migrations')).rows).toHaveLength(insertions);
    } finally {
      await client.end();
    }
  });

  it('are applied where a start was killed before its first one', async () => {
    const url = await postgres.createDatabase('killed');
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(PRISMAS_TABLE);
    await client.end();
    expect((await applyMigrations(url)).length).toBeGreaterThan(0);
  });

  it('tell that Postgres does not answer', async () => {
    const url = `postgresql://postgres:x@127.0.0.1:1/postgres`;
    await expect(applyMigrations(url)).rejects.toMatchObject({ code: 'DATABASE.UNREACHABLE' });
  });
});
