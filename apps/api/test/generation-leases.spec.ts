import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LeasesRepository } from '../src/ledger/runs/leases.repository';
import { AgentsService } from '../src/requests/agents/agents.service';
import { GenerationLeasesService } from '../src/requests/generate/generation-leases.service';
import { type ApiUnderTest, eventually, startApi, temporaryHome } from './api-under-test';
import { FakeAgent } from './fake-agent';
import { createDataset, tinySpec } from './run-specs';

const SLOW_MS = 180_000;
const LEASE_MS = 60_000;

describe('leases of generations', { timeout: SLOW_MS }, () => {
  let postgres: TemporaryPostgres;
  let home: Awaited<ReturnType<typeof temporaryHome>>;
  let api: ApiUnderTest;
  let leases: LeasesRepository;
  let agents: FakeAgent[];
  let databaseUrl: string;
  let databaseCount = 0;

  beforeAll(async () => {
    postgres = await startTemporaryPostgres();
  }, SLOW_MS);
  afterAll(() => postgres.stop(), SLOW_MS);
  beforeEach(async () => {
    home = await temporaryHome();
    databaseUrl = await postgres.createDatabase(`generations${databaseCount++}`);
    api = await startApi({ databaseUrl, home: home.path, leaseMs: LEASE_MS });
    leases = api.get(LeasesRepository);
    await createDataset(api.prisma);
    agents = await Promise.all(['agent_a', 'agent_b'].map((id) => new FakeAgent({ id, grpc: api.grpc }).connect()));
  }, SLOW_MS);
  afterEach(async () => {
    for (const agent of agents) agent.disconnect();
    await api.close();
    await home.remove();
  }, SLOW_MS);

  const claim = (generationId: string, ...agentIds: string[]): Promise<string[]> =>
    leases.claim({ generationId, agentIds }, LEASE_MS);
  /** agent -> who holds its device. */
  async function holders(): Promise<Record<string, string | null>> {
    const rows = await api.prisma.lease.findMany();
    return Object.fromEntries(rows.map(({ agentId, runId, generationId }) => [agentId, runId ?? generationId]));
  }

  it('are of devices that nobody holds, for as long as the text takes', async () => {
    let finish: (text: string) => void = () => undefined;
    const claimed = { generationId: 'gen_1', agentIds: ['agent_b', 'agent_a'] };
    const work = (): Promise<string> => new Promise((resolve) => (finish = resolve));
    const text = api.get(GenerationLeasesService).during(claimed, { work, onLost: () => undefined });
    await eventually('both', async () => (await api.prisma.lease.count()) === 2);
    expect(await api.get(AgentsService).get('agent_a')).toMatchObject({
      lease: null,
      generation: { id: 'gen_1', rank: 1 },
    });
    finish('text');
    expect(await text).toBe('text');
    expect(await holders()).toEqual({});
  });

  it('give way to an attempt, which keeps the device when the text is done', async () => {
    expect(await claim('gen_1', 'agent_a', 'agent_b')).toEqual([]);
    const { id } = await api.runs.submit(tinySpec(), 'tester');
    await eventually('placed', async () => Object.values(await holders()).every((holder) => holder === id));
    expect(await claim('gen_1', 'agent_a', 'agent_b')).toEqual([]);
    await leases.releaseGeneration('gen_1');
    expect(await holders()).toEqual({ agent_a: id, agent_b: id });
    expect(await api.get(AgentsService).get('agent_a')).toMatchObject({ lease: { runId: id }, generation: null });
  });

  it('are of one generation at a time, whoever asks first', async () => {
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, index) => claim(`gen_${index}`, 'agent_a', 'agent_b')),
    );
    const first = asked.findIndex((others) => others.length === 0);
    expect(asked.filter((others) => others.length === 0)).toHaveLength(1);
    expect(await holders()).toEqual({ agent_a: `gen_${first}`, agent_b: `gen_${first}` });
    let began = false;
    const next = { generationId: 'gen_next', agentIds: ['agent_a'] };
    const work = async (): Promise<void> => void (began = true);
    const waiting = api.get(GenerationLeasesService).during(next, { work, onLost: () => undefined });
    expect(await claim('gen_other', 'agent_a')).toEqual(['agent_a']);
    expect(began).toBe(false);
    await leases.releaseGeneration(`gen_${first}`);
    await waiting;
    expect(began).toBe(true);
  });

  it('are not of an agent that is silent or away', async () => {
    agents[1]!.disconnect();
    await eventually('away', async () => !(await api.prisma.agent.findUnique({ where: { id: 'agent_b' } }))?.connected);
    expect(await claim('gen_1', 'agent_a', 'agent_b')).toEqual([]);
    expect(await holders()).toEqual({ agent_a: 'gen_1' });
  });

  it('run out when the replica that waited for the text is gone, a lease after the last restart of the term', async () => {
    await claim('gen_gone', 'agent_a');
    await api.prisma.$executeRaw`UPDATE "Lease" SET "expiresAt" = millrace_now()`;
    await leases.restartTerm();
    expect(await leases.releaseExpiredGenerations(LEASE_MS)).toBe(0);
    const other = await startApi({ databaseUrl, home: home.path, leaseMs: 300 });
    try {
      await eventually('free', async () => Object.keys(await holders()).length === 0);
    } finally {
      await other.close();
    }
  });
});
