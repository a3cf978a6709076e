import { beforeAll, describe, expect, it, vi } from 'vitest';
import { RemovedRunsRepository } from '../src/ledger/expiry/removed-runs.repository';
import { RemovedRunsService } from '../src/ledger/expiry/removed-runs.service';
import { RunRemovalService } from '../src/requests/runs/run-removal.service';
import { clusterForAll, SLOW_MS } from './cluster-scene';

/** More than two statements delete. */
const POINT_COUNT = 25_000;

describe('a run with many points that is deleted', { timeout: SLOW_MS }, () => {
  const scene = clusterForAll();
  beforeAll(async () => {
    for (const id of ['run_long', 'run_other']) await scene.createEndedRun(id);
    await scene.api.prisma.$executeRaw`
      INSERT INTO "MetricPoint" ("runId", "name", "step", "value", "time", "fence")
      SELECT 'run_long', 'train/loss', step, 1, now(), 1 FROM generate_series(1, ${POINT_COUNT}::int) AS step
      UNION ALL SELECT 'run_other', 'train/loss', 1, 1, now(), 1`;
    await scene.api.prisma.$executeRaw`
      INSERT INTO "LogLine" ("runId", "fence", "time", "level", "stage", "agent", "text")
      SELECT 'run_long', 1, now(), 'info', 0, 'agent_a', 'line' FROM generate_series(1, 10)`;
  }, SLOW_MS);

  it('is gone at once; its records go in batches, and a crash in the middle is continued', async () => {
    const records = scene.api.get(RemovedRunsRepository);
    const batches: number[] = [];
    const deleteSome = records.deleteSome.bind(records);
    const spy = vi.spyOn(records, 'deleteSome').mockImplementation(async (...given) => {
      if (batches.length === 1) throw new Error('the process died');
      const count = await deleteSome(...given);
      batches.push(count);
      return count;
    });
    await scene.api.get(RunRemovalService).remove('run_long', 'tester');
    await expect(scene.api.runs.get('run_long')).rejects.toMatchObject({ code: 'RUN.NOT_FOUND' });
    await expect(scene.api.get(RemovedRunsService).purge()).rejects.toThrow('the process died');
    expect(await scene.api.prisma.metricPoint.count({ where: { runId: 'run_long' } })).toBe(POINT_COUNT - 10_000);
    expect(batches).toEqual([10_000]);

    spy.mockImplementation(async (...given) => {
      const count = await deleteSome(...given);
      batches.push(count);
      return count;
    });
    await scene.api.get(RemovedRunsService).purge();
    expect(batches).toEqual([10_000, 10_000, 5_000, 10]);
    expect(await scene.api.prisma.metricPoint.findMany()).toMatchObject([{ runId: 'run_other' }]);
    expect(await scene.api.prisma.logLine.count()).toBe(0);
    expect(await records.all()).toEqual([]);
  });
});
