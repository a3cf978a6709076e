import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlobsService } from '../src/ground/blobs/blobs.service';
import { BlobReadersRepository, generationHolder } from '../src/ledger/blocks/blob-readers.repository';
import { BlockHoldsRepository } from '../src/ledger/blocks/block-holds.repository';
import { PrometheusService } from '../src/ground/prometheus/prometheus.service';
import { LeasesRepository } from '../src/ledger/runs/leases.repository';
import { AgentsService } from '../src/requests/agents/agents.service';
import { GenerateService } from '../src/requests/generate/generate.service';
import { GenerationLeasesService } from '../src/requests/generate/generation-leases.service';
import { BlockCollectorService } from '../src/ledger/checkpoint-keeping/block-collector.service';
import { type ApiUnderTest, eventually, startApi, temporaryHome } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import { FakeAgent } from './fake-agent';
import { createDataset, tinySpec } from './run-specs';

const LEASE_MS = 60_000;

interface Begun {
  readonly text: Promise<unknown>;
  readonly taskId: string;
  readonly commandId: string;
  readonly finish: () => void;
}

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
      // It says nothing about the agent.
      const lost = await other.get(PrometheusService).registry.getSingleMetricAsString('millrace_leases_lost_total');
      expect(lost).toMatch(/^millrace_leases_lost_total 0$/m);
    } finally {
      await other.close();
    }
  });
});

describe('blocks that an agent reads for a text', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach({ leaseMs: LEASE_MS });
  const request = { prompt: 'Hi', maxTokens: 3, temperature: 0, seed: 1 };
  const holds = (): BlockHoldsRepository => scene.api.get(BlockHoldsRepository);
  const heldRows = (): Promise<{ owner: string; sha256: string }[]> =>
    scene.api.prisma.blockHold.findMany({ select: { owner: true, sha256: true } });
  const mayRead = (agentId: string, sha256: string): Promise<boolean> =>
    scene.api.get(BlobReadersRepository).mayRead(agentId, sha256);

  /** A checkpoint of a run that goes on training on the one agent, while the other one is idle. */
  async function trained(): Promise<{ checkpointId: string; idle: FakeAgent }> {
    const trainer = await scene.connect('agent_b');
    const { id } = await scene.api.runs.submit(tinySpec({ parallel: { pp: 1 }, train: { steps: 10 } }), 'tester');
    const attempt = await trainer.attempt(id);
    trainer.begin(attempt);
    const sequence = await trainer.checkpoint(attempt, 2);
    await trainer.take('ack', ({ checkpoints }) => checkpoints === sequence);
    const [durable] = await scene.api.prisma.checkpoint.findMany({ where: { state: 'durable' } });
    return { checkpointId: durable!.id, idle: await scene.connect('agent_a') };
  }

  /** The idle agent begins with a text. */
  async function begin({ checkpointId, idle }: { checkpointId: string; idle: FakeAgent }): Promise<Begun> {
    idle.received.length = 0;
    const text = scene.api.get(GenerateService).generate(checkpointId, request);
    text.catch(() => undefined);
    const { taskId, commandId } = await idle.take('generate');
    const value = { taskId, tokens: [33], done: true, errorMessage: '' };
    return { text, taskId, commandId, finish: () => idle.send({ $case: 'generateOutput', value }) };
  }

  it('are held until it is done or has failed; another text on that agent keeps its own', async () => {
    const model = await trained();
    const { idle } = model;
    const first = await begin(model);
    const held = await heldRows();
    expect(new Set(held.map(({ owner }) => owner))).toEqual(new Set([generationHolder(idle.id, first.taskId)]));
    const { sha256 } = held[0]!;
    expect(await mayRead(idle.id, sha256)).toBe(true);
    // These ids begin alike.
    expect(await mayRead('agent', sha256)).toBe(false);
    const another = { owner: generationHolder(idle.id, 'gen_another'), fence: 0 };
    await holds().hold(another, [sha256], 60_000);
    first.finish();
    expect(await first.text).toEqual({ text: '!', tokens: 1 });
    expect(await heldRows()).toEqual([{ owner: another.owner, sha256 }]);
    expect(await mayRead(idle.id, sha256)).toBe(true);
    const second = await begin(model);
    await holds().releaseStep(undefined, another);
    expect(await mayRead(idle.id, sha256)).toBe(true);
    idle.answer(second.commandId, { code: 'AGENT.BUSY', message: 'four generations run here' });
    await expect(second.text).rejects.toMatchObject({ code: 'GENERATE.FAILED' });
    expect(await heldRows()).toEqual([]);
    expect(await mayRead(idle.id, sha256)).toBe(false);
  });

  it('stay for it when the checkpoint is deleted meanwhile, and go with it', async () => {
    const model = await trained();
    const { text, finish } = await begin(model);
    const { sha256 } = (await heldRows())[0]!;
    const collected = async (): Promise<boolean> => {
      await scene.api.get(BlockCollectorService).collect();
      return !(await scene.api.get(BlobsService).blocks.has(sha256));
    };
    await scene.api.prisma.checkpoint.deleteMany();
    expect(await collected()).toBe(false);
    expect(await mayRead(model.idle.id, sha256)).toBe(true);
    finish();
    await text;
    expect(await collected()).toBe(true);
  });

  it('run out where the database does not take the release, and the text is told nevertheless', async () => {
    const { text, finish } = await begin(await trained());
    vi.spyOn(holds(), 'releaseStep').mockRejectedValueOnce(new Error('the database is away'));
    finish();
    expect(await text).toEqual({ text: '!', tokens: 1 });
    const [held] = await scene.api.prisma.blockHold.findMany();
    expect(held!.until.getTime() - Date.now()).toBeLessThan(240_000);
  });
});
