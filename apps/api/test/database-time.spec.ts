import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LeaseSweeperService } from '../src/ledger/attempts/lease-sweeper.service';
import { LeaseTerm } from '../src/ledger/attempts/lease-term';
import { LeasesRepository } from '../src/ledger/runs/leases.repository';
import { type ApiUnderTest, eventually, startApi, temporaryHome } from './api-under-test';
import { setDatabaseAhead } from './set-database-ahead';

const LEASE_MS = 500;
/** On a busy machine. */
const START_MS_MAX = 60_000;
let postgres: TemporaryPostgres;
let home: Awaited<ReturnType<typeof temporaryHome>>;
let api: ApiUnderTest;
const ownZone = process.env['TZ'];

/** A process in one zone, a database in another, and neither is UTC. */
beforeAll(async () => {
  process.env['TZ'] = 'Asia/Kolkata';
  postgres = await startTemporaryPostgres();
  await sql(`ALTER DATABASE "${new URL(postgres.url).pathname.slice(1)}" SET TimeZone TO 'America/New_York'`);
  home = await temporaryHome();
  api = await startApi({ databaseUrl: postgres.url, home: home.path, leaseMs: LEASE_MS });
}, START_MS_MAX);

afterAll(async () => {
  if (ownZone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = ownZone;
  await api?.close();
  await postgres?.stop();
  await home?.remove();
});

async function sql(text: string): Promise<void> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(text);
  await client.end();
}

const setAhead = (hours: number): Promise<void> => setDatabaseAhead(postgres.url, hours * 3600);

it('has times that the database fills in right, whatever the zones', async () => {
  const before = Date.now();
  const { createdAt } = await api.prisma.project.create({ data: { id: 'project_zoned', name: 'zoned' } });
  expect(Math.abs(createdAt.getTime() - before)).toBeLessThan(60_000);
});

it('has no column of a time without its zone', async () => {
  const rows = await api.prisma.$queryRaw<{ column: string }[]>`
    SELECT table_name || '.' || column_name AS "column" FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'`;
  expect(rows).toEqual([]);
});

it('stamps and judges leases by the clock of the database, and ends none after a restart of the term', async () => {
  const leases = api.get(LeasesRepository);
  const term = api.get(LeaseTerm);
  // The rows that leases belong to do not matter here.
  await sql('ALTER TABLE "Lease" DROP CONSTRAINT "Lease_agentId_fkey", DROP CONSTRAINT "Lease_runId_fkey"');
  const gang = ['agent_b', 'agent_a'].map((agentId, rank) => ({ agentId, runId: 'run_none', fence: 1, rank }));
  const grant = (): Promise<boolean> => api.prisma.transaction((tx) => leases.grant(tx, gang, 60_000));
  expect(await grant()).toBe(true);
  expect(await grant()).toBe(false);
  expect(await leases.expired(LEASE_MS)).toEqual([]);

  await setAhead(1);
  const expired = async (): Promise<string[]> => (await leases.expired(LEASE_MS)).map(({ agentId }) => agentId).sort();
  expect(await expired()).toEqual(['agent_a', 'agent_b']);
  // As another replica says that was away from the database; this one has missed nothing.
  await leases.restartTerm();
  expect(await expired()).toEqual([]);
  await setAhead(2);
  expect(await expired()).toEqual(['agent_a', 'agent_b']);
  term.restart('the test says so');
  expect(await api.get(LeaseSweeperService).sweep()).toBe(0);
  await eventually('the term is over', () => term.hasPassed);
  await setAhead(0);
  expect(await expired()).toEqual([]);
});
