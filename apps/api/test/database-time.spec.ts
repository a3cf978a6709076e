import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RightsWatch } from '../src/ground/auth/rights-watch';
import { hashSecret } from '../src/ground/auth/secrets';
import { TokensService } from '../src/ground/auth/tokens.service';
import { LeaseSweeperService } from '../src/ledger/attempts/lease-sweeper.service';
import { LeaseTerm } from '../src/ledger/attempts/lease-term';
import { LeasesRepository } from '../src/ledger/runs/leases.repository';
import { type ApiUnderTest, eventually, startApi, temporaryHome, TOKEN } from './api-under-test';
import { setDatabaseAhead } from './set-database-ahead';

const LEASE_MS = 500;
/** On a busy machine. */
const START_MS_MAX = 60_000;
let postgres: TemporaryPostgres;
let home: Awaited<ReturnType<typeof temporaryHome>>;
let api: ApiUnderTest;
const ownZone = process.env['TZ'];

/** The process is in one time zone and the database in another, and neither is UTC. */
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

async function sql(text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows as unknown[];
}

const setAhead = (hours: number): Promise<void> => setDatabaseAhead(postgres.url, hours * 3600);

it('has times that the database fills in right, whatever the zones', async () => {
  const before = Date.now();
  const { createdAt } = await api.prisma.project.create({ data: { id: 'project_zoned', name: 'zoned' } });
  expect(Math.abs(createdAt.getTime() - before)).toBeLessThan(60_000);
  // What a client writes is what is stored, and what is read is what was written.
  const expiresAt = new Date(before + 3_600_000);
  await api.prisma.joinToken.create({ data: { id: 'join_zoned', hash: 'zoned', expiresAt } });
  const [row] = await sql(`SELECT extract(epoch FROM "expiresAt")::float8 AS "seconds" FROM "JoinToken"`);
  expect(row).toEqual({ seconds: expiresAt.getTime() / 1000 });
  expect((await api.prisma.joinToken.findUniqueOrThrow({ where: { id: 'join_zoned' } })).expiresAt).toEqual(expiresAt);
});

it('has no column of a time without its zone', async () => {
  const rows = await api.prisma.$queryRaw<{ column: string }[]>`
    SELECT table_name || '.' || column_name AS "column" FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'`;
  expect(rows).toEqual([]);
});

it('fills in and judges times by the clock of the database alone', async () => {
  const rows = await api.prisma.$queryRaw<{ column: string }[]>`
    SELECT table_name || '.' || column_name AS "column" FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type LIKE 'timestamp%' AND column_default NOT LIKE '%millrace_now%'
      AND table_name <> '_prisma_migrations'`;
  expect(rows).toEqual([]);
  // Prisma's client would fill these columns by its own clock, whatever the default of the column.
  const schema = readFileSync(join(__dirname, '../../../prisma/schema.prisma'), 'utf8');
  expect(schema.match(/@default\(now\(\)\)|@updatedAt/g)).toBeNull();
});

it('stamps and judges leases by the clock of the database, and ends none after a restart of the term', async () => {
  const leases = api.get(LeasesRepository);
  const term = api.get(LeaseTerm);
  // The rows that leases refer to do not matter here.
  await sql('ALTER TABLE "Lease" DROP CONSTRAINT "Lease_agentId_fkey", DROP CONSTRAINT "Lease_runId_fkey"');
  const gang = ['agent_b', 'agent_a'].map((agentId, rank) => ({ agentId, runId: 'run_none', fence: 1, rank }));
  const grant = (): Promise<boolean> => api.prisma.transaction((tx) => leases.grant(tx, gang, 60_000));
  expect(await grant()).toBe(true);
  // In one order for all gangs, so that two of them cannot wait for each other.
  expect(await sql('SELECT "agentId" FROM "Lease" ORDER BY ctid')).toEqual([
    { agentId: 'agent_a' },
    { agentId: 'agent_b' },
  ]);
  expect(await grant()).toBe(false);
  expect(await leases.expired(LEASE_MS)).toEqual([]);

  await setAhead(1);
  const expired = async (): Promise<string[]> => (await leases.expired(LEASE_MS)).map(({ agentId }) => agentId).sort();
  expect(await expired()).toEqual(['agent_a', 'agent_b']);
  // Another replica, which was away from the database, does this; this one has missed nothing.
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

it('ends tokens, sessions and what they opened by the clock of the database', async () => {
  const tokens = api.get(TokensService);
  const rights = api.get(RightsWatch);
  const { tokenId, user } = await tokens.authenticate(TOKEN);
  const inAnHour = new Date(Date.now() + 3_600_000);
  const hash = hashSecret('brief');
  await api.prisma.token.create({
    data: { id: 'token_brief', name: 'brief', hash, userId: user!.id, scope: ['*'], expiresAt: inAnHour },
  });
  await api.prisma.webSession.create({ data: { hash: hashSecret('cookie'), tokenId, expiresAt: inAnHour } });
  const brief = await tokens.authenticate('brief');
  await tokens.authenticateSession('cookie');
  let ended: string | undefined;
  const letGo = rights.hold(brief, ({ code }) => (ended = code));
  await setAhead(2);
  tokens.rightsChanged();
  await expect(tokens.authenticate('brief')).rejects.toMatchObject({ code: 'AUTH.TOKEN_EXPIRED' });
  await expect(tokens.authenticateSession('cookie')).rejects.toMatchObject({ code: 'AUTH.SESSION_UNKNOWN' });
  await eventually('what was open ends', () => ended === 'AUTH.TOKEN_EXPIRED');
  letGo();
  await setAhead(0);
});
