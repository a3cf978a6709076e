import { Client } from 'pg';

/** Sets the database's clock ahead, and no other. */
export async function setDatabaseAhead(databaseUrl: string, seconds: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    `CREATE OR REPLACE FUNCTION millrace_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
     'SELECT clock_timestamp() + ${seconds} * interval ''1 second'''`,
  );
  await client.end();
}
