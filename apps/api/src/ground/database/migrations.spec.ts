import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('tell that Postgres does not answer', async () => {
    const url = `postgresql://postgres:x@127.0.0.1:1/postgres`;
    await expect(applyMigrations(url)).rejects.toMatchObject({ code: 'DATABASE.UNREACHABLE' });
  });
});
