import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { RemovedRunsRepository } from '../src/ledger/expiry/removed-runs.repository';
import { RemovedRunsService } from '../src/ledger/expiry/removed-runs.service';
import { type ApiUnderTest, startApi, temporaryHome } from './api-under-test';
import { createDataset, DATASET_ID, tinySpec } from './run-specs';
import { RunRemovalService } from '../src/requests/runs/run-removal.service';

const SLOW_MS = 180_000;
/** More points than two statements can delete. */
const POINT_COUNT = 25_000;

describe('a run with many points that is deleted', { timeout: SLOW_MS }, () => {
  let postgres: TemporaryPostgres;
  let home: Awaited<ReturnType<typeof temporaryHome>>;
  let api: ApiUnderTest;

  beforeAll(async () => {
    postgres = await startTemporaryPostgres();
    home = await temporaryHome();
    api = await startApi({ databaseUrl: await postgres.createDatabase('removal'), home: home.path });
    await createDataset(api.prisma);
    const { name, project, queue, priority, ...spec } = tinySpec();
    for (const id of ['run_long', 'run_other']) {
      const run = { id, name, project, queue, priority, state: 'succeeded', datasetId: DATASET_ID };
      await api.prisma.run.create({ data: { ...run, fence: 1, spec: { ...spec } } });
    }
    await api.prisma.$executeRaw`
      INSERT INTO "MetricPoint" ("runId", "name", "step", "value", "time", "fence")
      SELECT 'run_long', 'train/loss', step, 1, now(), 1 FROM generate_series(1, ${POINT_COUNT}::int) AS step
      UNION ALL SELECT 'run_other', 'train/loss', 1, 1, now(), 1`;
    await api.prisma.$executeRaw`
      INSERT INTO "LogLine" ("runId", "fence", "time", "level", "stage", "agent", "text")
      SELECT 'run_long', 1, now(), 'info', 0, 'agent_a', 'line' FROM generate_series(1, 10)`;
  }, SLOW_MS);
  afterAll(async () => {
    await api.close();
    await postgres.stop();
    await home.remove();
  }, SLOW_MS);

  it('is gone at once; its records go in batches, and a crash in the middle is continued', async () => {
    const records = api.get(RemovedRunsRepository);
    const batches: number[] = [];
    const deleteSome = records.deleteSome.bind(records);
    const spy = vi.spyOn(records, 'deleteSome').mockImplementation(async (...given) => {
      if (batches.length === 1) throw new Error('the process died');
      const count = await deleteSome(...given);
      batches.push(count);
      return count;
    });
    await api.get(RunRemovalService).remove('run_long', 'tester');
    await expect(api.runs.get('run_long')).rejects.toMatchObject({ code: 'RUN.NOT_FOUND' });
    await expect(api.get(RemovedRunsService).purge()).rejects.toThrow('the process died');
    expect(await api.prisma.metricPoint.count({ where: { runId: 'run_long' } })).toBe(POINT_COUNT - 10_000);
    expect(batches).toEqual([10_000]);

    spy.mockImplementation(async (...given) => {
      const count = await deleteSome(...given);
      batches.push(count);
      return count;
    });
    await api.get(RemovedRunsService).purge();
    expect(batches).toEqual([10_000, 10_000, 5_000, 10]);
    expect(await api.prisma.metricPoint.findMany()).toMatchObject([{ runId: 'run_other' }]);
    expect(await api.prisma.logLine.count()).toBe(0);
    expect(await records.all()).toEqual([]);
  });
});
