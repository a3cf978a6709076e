import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LeaseTerm } from '../src/ledger/attempts/lease-term';
import { type ApiUnderTest, eventually, startApi, temporaryHome } from './api-under-test';
import { FakeAgent } from './fake-agent';
import { createDataset, tinySpec } from './run-specs';

const SLOW_MS = 180_000;
let postgres: TemporaryPostgres;
let home: Awaited<ReturnType<typeof temporaryHome>>;
let api: ApiUnderTest;
const agents: FakeAgent[] = [];

beforeAll(async () => {
  postgres = await startTemporaryPostgres();
  home = await temporaryHome();
  api = await startApi({ databaseUrl: postgres.url, home: home.path });
  await createDataset(api.prisma);
}, SLOW_MS);

afterAll(async () => {
  for (const agent of agents) agent.disconnect();
  await api?.close();
  await postgres?.stop();
  await home?.remove();
});

/** Sets only the database's clock ahead. Leases get a fresh term, as after a database that was away. */
async function setAhead(minutes: number): Promise<void> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  api.get(LeaseTerm).restart('the test sets the clock');
  await client.query(
    `CREATE OR REPLACE FUNCTION millrace_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
     'SELECT clock_timestamp() + ${minutes} * interval ''1 minute'''`,
  );
  await client.end();
}

it(
  'tells what ranks that start do, and ends an attempt that takes too long, naming them',
  { timeout: SLOW_MS },
  async () => {
    agents.push(
      ...(await Promise.all(['agent_a', 'agent_b'].map((id) => new FakeAgent({ id, grpc: api.grpc }).connect()))),
    );
    const { id } = await api.runs.submit(tinySpec({ retries: 0, parallel: { partition: [1, 1] } }), 'tester');
    const [first, second] = await Promise.all(agents.map((agent) => agent.attempt(id)));
    const [ahead, behind] = first!.plan.rank === 0 ? agents : agents.toReversed();
    ahead!.report(first!, 'running', { step: 1 });
    behind!.report(second!, 'starting', { phase: 'fetching' });
    behind!.report(second!, 'starting', { phase: 'loading' });
    const run = await eventually('rank 1 loads', async () => {
      const told = await api.runs.get(id);
      return told.starting[0]?.phase === 'loading' && told.starting.length === 1 ? told : undefined;
    });
    expect(run.starting).toMatchObject([{ rank: 1, agent: behind!.id, phase: 'loading' }]);
    expect(run.stepDeadlineMs).toBe(300_000);
    const events = await api.prisma.event.findMany({
      where: { runId: id, type: 'run.starting' },
      orderBy: { sequence: 'asc' },
    });
    expect(events.map(({ data }) => data)).toMatchObject([
      { rank: 1, agent: behind!.id, phase: 'fetching' },
      { rank: 1, agent: behind!.id, phase: 'loading' },
    ]);

    await setAhead(run.startDeadlineMs! / 60_000 - 2);
    await eventually(
      'the seconds are by the clock of the database',
      async () => (await api.runs.get(id)).starting[0]!.seconds > 600,
    );
    await eventually('a full term', () => api.get(LeaseTerm).hasPassed);
    expect((await api.runs.get(id)).state).toBe('running');
    await setAhead(run.startDeadlineMs! / 60_000);
    const failed = await eventually('the end', async () => {
      const told = await api.runs.get(id);
      return told.state === 'failed' ? told : undefined;
    });
    expect(failed.attempts).toMatchObject([
      {
        state: 'failed',
        failure: { class: 'timed_out', code: 'ATTEMPT.START_TIMED_OUT', culprit: { rank: 1, agent: behind!.id } },
      },
    ]);
    expect(failed.attempts[0]!.failure!.message).toContain(`rank 1 on ${behind!.id} loads its weights (for 9`);
    expect(failed).toMatchObject({ starting: [], startDeadlineMs: null, stepDeadlineMs: null });
  },
);
