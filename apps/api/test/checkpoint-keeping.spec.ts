import { createHash } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import type { FileBlockStore } from '@millrace/checkpoint';
import { AppError } from '@millrace/core';
import { describe, expect, it, type MockInstance, vi } from 'vitest';
import { BlobsService } from '../src/ground/blobs/blobs.service';
import { BlockCollectorService } from '../src/ledger/checkpoint-keeping/block-collector.service';
import { BlockHoldsRepository } from '../src/ledger/blocks/block-holds.repository';
import { CheckpointsRepository } from '../src/requests/checkpoints/checkpoints.repository';
import { CheckpointWritesRepository } from '../src/ledger/blocks/checkpoint-writes.repository';
import { SchedulingService } from '../src/planning/scheduling/scheduling.service';
import { eventually } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import { type Attempt, type FakeAgent, sha256 } from './fake-agent';
import { tinySpec } from './run-specs';
import { setDatabaseAhead } from './set-database-ahead';

interface Running {
  readonly id: string;
  readonly agent: FakeAgent;
  readonly attempt: Attempt;
}

describe('which checkpoints and blocks stay', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach({ leaseMs: 10_000 });

  async function single(train: object): Promise<Running> {
    const agent = await scene.connect('agent_a');
    const { id } = await scene.api.runs.submit(tinySpec({ parallel: { pp: 1 }, train }), 'tester');
    const attempt = await agent.attempt(id);
    agent.begin(attempt);
    await eventually('running', async () => (await scene.api.runs.get(id)).state === 'running');
    return { id, agent, attempt };
  }

  async function checkpoint({ agent, attempt }: Running, step: number): Promise<void> {
    const sequence = await agent.checkpoint(attempt, step);
    await agent.take('ack', ({ checkpoints }) => checkpoints === sequence);
  }

  /** Watches the calls by which a verification asks the store; uploads use `has`, which goes on working. */
  function spyOnSizes(): MockInstance<FileBlockStore['sizeOf']> {
    const { blocks } = scene.api.get(BlobsService);
    const sizeOf = blocks.sizeOf.bind(blocks);
    vi.spyOn(blocks, 'has').mockImplementation(async (sha256) => (await sizeOf(sha256)) !== undefined);
    return vi.spyOn(blocks, 'sizeOf');
  }

  const collector = (): BlockCollectorService => scene.api.get(BlockCollectorService);

  async function stored(): Promise<string[]> {
    const names: string[] = [];
    for await (const { sha256 } of scene.api.get(BlobsService).blocks.list()) names.push(sha256);
    return names.sort();
  }

  it('frees the blocks of old checkpoints with the next collection, and looks at no others', async () => {
    const run = await single({ keepCheckpoints: 1 });
    await checkpoint(run, 2);
    await checkpoint(run, 4);
    const loose = Buffer.from('uploaded, and not yet in any report');
    await run.agent.put(run.attempt, loose);
    expect(await scene.api.prisma.blockHold.count()).toBe(1);
    const list = vi.spyOn(scene.api.get(BlobsService).blocks, 'list');
    await collector().collect();
    expect(list).not.toHaveBeenCalled();
    const used = await scene.api.prisma.checkpointBlock.findMany({ distinct: ['sha256'] });
    expect(await stored()).toHaveLength(used.length + 1);
    // An older fence can report nothing any more: what it held goes too.
    await scene.api.prisma.run.update({ where: { id: run.id }, data: { fence: { increment: 1 } } });
    list.mockClear();
    await collector().collect();
    expect(list).not.toHaveBeenCalled();
    list.mockRestore();
    expect(await stored()).toEqual(used.map(({ sha256 }) => sha256).sort());
    expect(await scene.api.prisma.freedBlock.count()).toBe(0);
  });

  const endings: Record<string, (run: Running) => Promise<unknown>> = {
    cancelled: ({ id }) => scene.api.actions.cancel(id, 'tester'),
    failed: async ({ agent, attempt }) =>
      agent.report(attempt, 'failed', { step: 3, failureClass: 'numerics', errorCode: 'STAGE.NUMERICS' }),
    paused: async (run) => {
      await scene.api.actions.pause(run.id, 'tester');
      await checkpoint(run, 2);
      run.agent.report(run.attempt, 'paused', { step: 2 });
    },
  };

  it.each(Object.entries(endings))(
    'lets go of what an attempt held when it has been %s for ten minutes, and not before',
    async (state, end) => {
      const run = await single({ steps: 10 });
      const ofImport = Buffer.from('uploaded for an import');
      const late = Buffer.from('uploaded, and its report is on its way');
      await scene.api.get(BlobsService).blocks.put(sha256(ofImport), Uint8Array.from(ofImport));
      const holds = scene.api.get(BlockHoldsRepository);
      await holds.hold({ owner: 'ckpt_import', fence: 0 }, [sha256(ofImport)], 3_600_000);
      await run.agent.put(run.attempt, late, { step: 4 });
      await end(run);
      const attempt = { runId: run.id, state };
      await eventually('over', async () => (await scene.api.prisma.attempt.count({ where: attempt })) === 1);
      const owners = async (): Promise<string[]> => {
        await collector().collect();
        const rows = await scene.api.prisma.blockHold.findMany({ orderBy: { owner: 'asc' } });
        return rows.map(({ owner }) => owner);
      };
      expect(await owners()).toEqual(['ckpt_import', run.id]);
      await setDatabaseAhead(scene.databaseUrl, 300);
      expect(await owners()).toEqual(['ckpt_import', run.id]);
      expect(await stored()).toContain(sha256(late));
      await setDatabaseAhead(scene.databaseUrl, 601);
      expect(await owners()).toEqual(['ckpt_import']);
      expect(await stored()).not.toContain(sha256(late));
      expect(await stored()).toContain(sha256(ofImport));
    },
  );

  it('keeps what an attempt holds that is placed and has not started, and not what a removed run held', async () => {
    const agent = await scene.connect('agent_a');
    const { id } = await scene.api.runs.submit(tinySpec({ parallel: { pp: 1 } }), 'tester');
    await agent.put(await agent.attempt(id), Buffer.from('early'));
    const holds = scene.api.get(BlockHoldsRepository);
    await holds.hold({ owner: 'run_removed', fence: 1 }, [sha256(Buffer.from('early'))], 3_600_000);
    await collector().collect();
    expect(await scene.api.prisma.blockHold.findMany()).toMatchObject([{ owner: id }]);
    expect(await scene.api.prisma.attempt.findMany()).toMatchObject([{ state: 'scheduled', finishedAt: null }]);
  });

  it('keeps a block that was let go and is used again before the collector comes', async () => {
    const run = await single({ steps: 10, keepCheckpoints: 5 });
    await checkpoint(run, 2);
    const before = await stored();
    const [first] = await scene.api.prisma.checkpoint.findMany();
    await scene.api.prisma.checkpoint.delete({ where: { id: first!.id } });
    const freed = await scene.api.prisma.freedBlock.findMany({ orderBy: { sha256: 'asc' } });
    expect(freed.map(({ sha256 }) => sha256)).toEqual(before);
    const [held, referenced, ...gone] = before;
    // One is held by an upload that found it, one is in a checkpoint again.
    const holds = scene.api.get(BlockHoldsRepository);
    await holds.hold({ owner: run.id, fence: run.attempt.fence }, [held!], 60_000);
    const data = { ...first!, parts: {}, manifest: {} };
    await scene.api.prisma.checkpoint.create({ data: { ...data, blocks: { create: [{ sha256: referenced! }] } } });
    await collector().collect();
    expect(await stored()).toEqual([held, referenced].sort());
    expect(gone.length).toBeGreaterThan(0);
    expect(await scene.api.prisma.freedBlock.count()).toBe(0);
  });

  it('does not forget a block that is let go while the collector looks at an older time that it was', async () => {
    const run = await single({ steps: 10 });
    await checkpoint(run, 2);
    const [first] = await scene.api.prisma.checkpoint.findMany();
    const { sha256 } = await scene.api.prisma.checkpointBlock.findFirstOrThrow();
    await scene.api.prisma.freedBlock.create({ data: { sha256 } });
    const holds = scene.api.get(BlockHoldsRepository);
    const unused = holds.unused.bind(holds);
    const look = vi.spyOn(holds, 'unused').mockImplementationOnce(async (...given) => {
      const answer = await unused(...given);
      await scene.api.prisma.checkpoint.delete({ where: { id: first!.id } });
      return answer;
    });
    await collector().collect();
    look.mockRestore();
    expect(await stored()).toContain(sha256);
    await collector().collect();
    expect(await stored()).toEqual([]);
  });

  it('finds by a walk what nothing says was let go, and what could not be deleted', async () => {
    const { blocks } = scene.api.get(BlobsService);
    const bytes = [Buffer.from('of an earlier build'), Buffer.from('on a disk that fails'), Buffer.from('young')];
    const names = bytes.map((each) => createHash('sha256').update(each).digest('hex'));
    for (const [index, each] of bytes.entries()) await blocks.put(names[index]!, Uint8Array.from(each));
    const [old, stubborn, young] = names as [string, string, string];
    for (const name of [old, stubborn]) await utimes(`${scene.home}/blobs/blocks/${name.slice(0, 2)}/${name}`, 1, 1);
    await scene.api.prisma.freedBlock.create({ data: { sha256: stubborn } });
    const broken = new AppError({ code: 'CHECKPOINT.STORAGE_FAILED', kind: 'internal', message: 'EIO' });
    const remove = vi.spyOn(blocks, 'delete').mockRejectedValueOnce(broken);
    expect(await collector().collect()).toBe(0);
    remove.mockRestore();
    expect(await scene.api.prisma.freedBlock.count()).toBe(0);
    expect(await collector().walk()).toBe(2);
    expect(await stored()).toEqual([young]);
  });

  it('gives up a checkpoint for which the disk has no room, frees at once what it took, and trains on', async () => {
    const run = await single({ steps: 10 });
    await checkpoint(run, 2);
    const kept = await stored();
    const { blocks } = scene.api.get(BlobsService);
    const put = blocks.put.bind(blocks);
    let left = 3;
    const full = vi.spyOn(blocks, 'put').mockImplementation(async (sha256, bytes) => {
      if (left-- <= 0) throw new AppError({ code: 'CHECKPOINT.DISK_FULL', kind: 'exhausted', message: 'no space' });
      return put(sha256, bytes);
    });
    // 8 is RESOURCE_EXHAUSTED.
    await expect(run.agent.checkpoint(run.attempt, 4)).rejects.toMatchObject({ code: 8 });
    expect(await scene.api.prisma.blockHold.count()).toBeGreaterThan(0);
    expect((await stored()).length).toBeGreaterThan(kept.length);
    const sequence = run.agent.checkpointFailed(run.attempt, 4, 'the disk is too full');
    await run.agent.take('ack', ({ checkpoints }) => checkpoints === sequence);
    expect(await stored()).toEqual(kept);
    expect(await scene.api.prisma.blockHold.count()).toBe(0);
    // What was let go was noted, and is done with: no later look finds it once more.
    expect(await scene.api.prisma.freedBlock.count()).toBe(0);
    const events = await scene.api.prisma.event.findMany({ where: { runId: run.id, type: 'run.checkpoint' } });
    expect(events.map(({ data }) => data)).toMatchObject([
      { step: 2, state: 'durable' },
      { step: 4, state: 'failed', reason: 'the disk is too full' },
    ]);
    full.mockRestore();
    // The step is given up for all ranks: what they still send for it is not stored.
    await expect(run.agent.put(run.attempt, Buffer.from('late'), { step: 4 })).rejects.toMatchObject({ code: 8 });
    expect((await scene.api.runs.get(run.id)).state).toBe('running');
    await checkpoint(run, 6);
    const durable = await scene.api.prisma.checkpoint.findMany({
      where: { state: 'durable' },
      orderBy: { step: 'asc' },
    });
    expect(durable.map(({ step }) => step)).toEqual([2, 6]);
  });

  it('takes the checkpoint that was on its way when the numbers failed, under that fence only', async () => {
    const run = await single({ steps: 10 });
    run.agent.report(run.attempt, 'failed', { step: 3, failureClass: 'numerics', errorCode: 'STAGE.NUMERICS' });
    await eventually('failed', async () => (await scene.api.runs.get(run.id)).state === 'failed');
    await checkpoint(run, 2);
    expect(await scene.api.prisma.checkpoint.findMany()).toMatchObject([{ step: 2, state: 'durable' }]);
    expect((await scene.api.runs.get(run.id)).state).toBe('failed');
    await expect(run.agent.put({ runId: run.id, fence: 9 }, Buffer.from('x'))).rejects.toMatchObject({ code: 10 });
  });

  it('refuses blocks of a run that failed otherwise', async () => {
    const agent = await scene.connect('agent_a');
    const { id } = await scene.api.runs.submit(tinySpec({ parallel: { pp: 1 }, retries: 0 }), 'tester');
    const attempt = await agent.attempt(id);
    agent.report(attempt, 'failed', { step: 3, failureClass: 'internal', errorCode: 'AGENT.INTERNAL' });
    await eventually('failed', async () => (await scene.api.runs.get(id)).state === 'failed');
    await expect(agent.put(attempt, Buffer.from('x'))).rejects.toMatchObject({ code: 10 });
  });

  it('keeps a checkpoint from the moment a run that starts from it is stored', async () => {
    const run = await single({ keepCheckpoints: 1 });
    await checkpoint(run, 2);
    const [first] = await scene.api.prisma.checkpoint.findMany();
    const init = { from: 'safetensors' as const, id: first!.id };
    const keeping = scene.api.get(CheckpointWritesRepository);
    // A submit that has looked and not yet stored its run; meanwhile the next checkpoint makes this one old.
    const submitted = await scene.api.prisma.transaction(async (tx) => {
      expect(await keeping.keep(tx, init.id)).toBe(true);
      const sequence = await run.agent.checkpoint(run.attempt, 4);
      await eventually('the deletion of the old checkpoint waits for the submit', async () => {
        const [waiting] = await scene.api.prisma.$queryRaw<{ count: bigint }[]>`
          SELECT count(*) FROM pg_locks WHERE NOT granted`;
        return waiting!.count > 0n;
      });
      const spec = tinySpec({ parallel: { pp: 1 }, model: { init } });
      const { datasetId } = await tx.run.findFirstOrThrow();
      await tx.run.create({
        data: { id: 'run_next', name: 'next', project: 'p', queue: 'q', priority: 1, state: 'queued', spec, datasetId },
      });
      return sequence;
    });
    await run.agent.take('ack', ({ checkpoints }) => checkpoints === submitted);
    const steps = (await scene.api.prisma.checkpoint.findMany({ orderBy: { step: 'asc' } })).map(({ step }) => step);
    expect(steps).toEqual([2, 4]);
  });

  it('fails a run whose first checkpoint is gone, with the reason, and places the others', async () => {
    const run = await single({ steps: 4 });
    await checkpoint(run, 4);
    run.agent.report(run.attempt, 'finished', { step: 4 });
    await eventually('succeeded', async () => (await scene.api.runs.get(run.id)).state === 'succeeded');
    run.agent.disconnect();
    await eventually('gone', async () => (await scene.api.prisma.agent.count({ where: { connected: true } })) === 0);
    const [durable] = await scene.api.prisma.checkpoint.findMany();
    const init = { from: 'safetensors' as const, id: durable!.id };
    const lost = await scene.api.runs.submit(tinySpec({ parallel: { pp: 1 }, model: { init }, priority: 90 }), 't');
    const fine = await scene.api.runs.submit(tinySpec({ parallel: { pp: 1 } }), 't');
    await scene.api.prisma.checkpoint.deleteMany();
    await scene.connect('agent_b');
    await scene.api.get(SchedulingService).schedule();
    await eventually('both decided', async () => (await scene.api.runs.get(fine.id)).state === 'scheduled');
    expect(await scene.api.runs.get(lost.id)).toMatchObject({
      state: 'failed',
      reason: { code: 'SCHEDULING.INIT_GONE' },
    });
  });

  it('looks again for a block that could not be read, and gives one checkpoint up rather than the attempt', async () => {
    const run = await single({ steps: 10 });
    const broken = new AppError({ code: 'CHECKPOINT.STORAGE_FAILED', kind: 'internal', message: 'EIO' });
    const sizeOf = spyOnSizes();
    sizeOf.mockRejectedValueOnce(broken);
    await checkpoint(run, 2);
    expect(await scene.api.prisma.checkpoint.findMany()).toMatchObject([{ step: 2, state: 'durable' }]);
    sizeOf.mockRejectedValue(broken);
    await checkpoint(run, 4);
    sizeOf.mockRestore();
    expect(await scene.api.prisma.checkpoint.findMany({ orderBy: { step: 'asc' } })).toMatchObject([
      { step: 2, state: 'durable' },
      { step: 4, state: 'given-up' },
    ]);
    expect((await scene.api.runs.get(run.id)).state).toBe('running');
    const failed = { type: 'run.checkpoint', data: { path: ['state'], equals: 'failed' } };
    expect(await scene.api.prisma.event.findMany({ where: failed })).toMatchObject([{ data: { step: 4 } }]);
    await checkpoint(run, 6);
    expect(await scene.api.prisma.checkpoint.count({ where: { state: 'durable' } })).toBe(2);
  });

  it('never deletes a checkpoint that became durable while its blocks were looked for', async () => {
    const run = await single({ steps: 10 });
    const sizeOf = spyOnSizes().mockImplementationOnce(async () => {
      const manifest = { version: 1 };
      await scene.api.prisma.checkpoint.updateMany({ data: { state: 'durable', manifest } });
      return undefined;
    });
    await checkpoint(run, 2);
    expect(sizeOf).toHaveBeenCalled();
    expect(await scene.api.prisma.checkpoint.findMany()).toMatchObject([{ step: 2, state: 'durable' }]);
    expect((await scene.api.runs.get(run.id)).state).toBe('running');
  });

  it('keeps the checkpoint that an attempt resumed from while the attempt lives', async () => {
    const run = await single({ steps: 10, keepCheckpoints: 1 });
    await checkpoint(run, 2);
    const [source] = await scene.api.prisma.checkpoint.findMany();
    const attempt = await scene.api.prisma.attempt.findFirstOrThrow();
    const plan = { ...(attempt.plan as object), resumeCheckpointId: source!.id };
    await scene.api.prisma.attempt.update({ where: { id: attempt.id }, data: { plan } });
    await checkpoint(run, 4);
    await checkpoint(run, 6);
    const kept = await scene.api.prisma.checkpoint.findMany({ orderBy: { step: 'asc' } });
    expect(kept.map(({ step }) => step)).toEqual([2, 6]);
    const user = await scene.api.prisma.transaction((tx) =>
      new CheckpointsRepository(scene.api.prisma).liveUser(tx, source!),
    );
    expect(user).toEqual({ runId: run.id, how: 'resumed from it' });
  });
});
