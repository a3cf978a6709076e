import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client } from 'pg';

/** Asks the embedded Postgres of a home, as no user of Millrace would. */
export async function queryDatabase(home: string, sql: string, values: readonly unknown[] = []): Promise<unknown[]> {
  const folder = resolve(home, 'postgres');
  const port = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[3]?.trim();
  const passwordFile = join(home, 'postgres-password');
  if (!existsSync(passwordFile)) throw new Error(`${home} has no embedded Postgres`);
  const password = readFileSync(passwordFile, 'utf8').trim();
  const client = new Client({ connectionString: `postgresql://postgres:${password}@127.0.0.1:${port}/millrace` });
  await client.connect();
  try {
    return (await client.query(sql, [...values])).rows as unknown[];
  } finally {
    await client.end();
  }
}
