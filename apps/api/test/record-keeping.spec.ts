import { beforeAll, describe, expect, it } from 'vitest';
import { ExpiredRecordsService } from '../src/ledger/expiry/expired-records.service';
import { MetricsRepository } from '../src/ledger/metrics/metrics.repository';
import { SeriesRepository } from '../src/ledger/metrics/series.repository';
import { clusterForAll, SLOW_MS } from './cluster-scene';

/** Of which the newest 1,000 are kept as they are. */
const STEPS = 2_550;
const THINNED = 1_500;

describe('what is kept, and for how long', { timeout: SLOW_MS }, () => {
  const scene = clusterForAll({ environment: { MILLRACE_KEEP_STEPS: '1000' } });
  beforeAll(async () => {
    await scene.createEndedRun('run_long');
  }, SLOW_MS);

  const expire = (): Promise<void> => scene.api.get(ExpiredRecordsService).expire();
  const stepsOf = async (name: string): Promise<number[]> => {
    const rows = await scene.api.prisma.metricPoint.findMany({ where: { name }, orderBy: { step: 'asc' } });
    return rows.map(({ step }) => step);
  };
  const page = (afterStep: number): ReturnType<MetricsRepository['page']> =>
    scene.api.get(MetricsRepository).page({ runId: 'run_long', name: 'train/loss', limit: 1, afterStep });

  it('thins the points of old steps to summaries, and leaves the newest ones and evaluations alone', async () => {
    await scene.api.prisma.$executeRaw`
      INSERT INTO "MetricPoint" ("runId", "name", "step", "value", "time", "fence")
      SELECT 'run_long', name, step, step / 7.0, now(), 1
      FROM unnest(ARRAY['train/loss', 'pipeline/bubble']) AS name, generate_series(1, ${STEPS}::int) AS step
      UNION ALL SELECT 'run_long', 'val/loss', step, 1, now(), 1 FROM generate_series(50, ${STEPS}::int, 50) AS step`;
    const before = await scene.api.get(SeriesRepository).read(series(50));
    await scene.api.prisma.run.update({ where: { id: 'run_long' }, data: { step: STEPS } });
    await expire();
    const old = Array.from({ length: THINNED / 100 }, (_, index) => 100 * (index + 1));
    const exact = Array.from({ length: STEPS - THINNED }, (_, index) => THINNED + 1 + index);
    for (const name of ['train/loss', 'pipeline/bubble']) expect(await stepsOf(name)).toEqual([...old, ...exact]);
    expect(await stepsOf('val/loss')).toHaveLength(STEPS / 50);
    expect((await page(100)).points).toMatchObject([
      { step: 200, value: 200 / 7, summary: { steps: 100, min: 101 / 7, max: 200 / 7 } },
    ]);
    expect((await page(100)).points[0]?.summary?.mean).toBeCloseTo(150.5 / 7, 9);
    expect((await page(THINNED)).points[0]).toEqual({
      step: THINNED + 1,
      value: (THINNED + 1) / 7,
      time: expect.any(String) as string,
    });
    const after = await scene.api.get(SeriesRepository).read(series(50));
    expect(after).toMatchObject({ total: old.length + exact.length, thinnedThrough: THINNED });
    // The whole range has the same least and largest value as before.
    const extremes = ({ points }: typeof after): number[] => [points[0]!.min, points.at(-1)!.max];
    expect(extremes(after)).toEqual(extremes(before));
  });

  it('changes nothing when it is done again, and a step that is trained again counts as itself', async () => {
    const before = await scene.api.prisma.metricPoint.findMany({ orderBy: [{ name: 'asc' }, { step: 'asc' }] });
    await scene.api.prisma.run.update({ where: { id: 'run_long' }, data: { thinnedStep: 0 } });
    await expire();
    expect(await scene.api.prisma.metricPoint.findMany({ orderBy: [{ name: 'asc' }, { step: 'asc' }] })).toEqual(
      before,
    );
    const points = [{ name: 'train/loss', step: 200, value: 5, timeMs: 0 }];
    const metrics = scene.api.get(MetricsRepository);
    await scene.api.prisma.transaction((tx) => metrics.store(tx, { runId: 'run_long', fence: 1, points }));
    expect((await page(100)).points).toEqual([{ step: 200, value: 5, time: new Date(0).toISOString() }]);
  });

  it('deletes events, log lines, audit entries and profiles that are older than they are kept', async () => {
    await scene.api.prisma.$executeRaw`
      INSERT INTO "Event" ("type", "subject", "actor", "data", "time")
      SELECT 'test', 'x', 'system', '{}', now() - make_interval(days => CASE WHEN n <= 12000 THEN 91 ELSE 1 END)
      FROM generate_series(1, 12010) AS n`;
    await scene.api.prisma.$executeRaw`
      INSERT INTO "LogLine" ("runId", "fence", "time", "level", "stage", "agent", "text")
      SELECT 'run_long', 1, now() - make_interval(days => days), 'info', 0, 'a', 'x' FROM unnest(ARRAY[91, 89]) AS days`;
    await scene.api.prisma.$executeRaw`
      INSERT INTO "AuditEntry" ("actorId", "actorName", "action", "subject", "data", "time")
      SELECT 'a', 'a', 'test', 'x', '{}', now() - make_interval(days => days) FROM unnest(ARRAY[366, 364]) AS days`;
    const profile = { model: 'm', microBatch: 1, recompute: 'none', agentId: 'a', work: {} };
    const ago = (days: number): Date => new Date(Date.now() - days * 86_400_000);
    await scene.api.prisma.layerProfile.createMany({
      data: [
        { kind: 'never measured', ...profile, askedAt: ago(91) },
        { kind: 'old', ...profile, askedAt: ago(100), measuredAt: ago(91) },
        { kind: 'learned since', ...profile, askedAt: ago(100), measuredAt: ago(1) },
      ],
    });
    await expire();
    expect(await scene.api.prisma.event.count({ where: { type: 'test' } })).toBe(10);
    expect(await scene.api.prisma.logLine.count()).toBe(1);
    expect(await scene.api.prisma.auditEntry.count({ where: { action: 'test' } })).toBe(1);
    expect(await scene.api.prisma.layerProfile.findMany({ select: { kind: true } })).toEqual([
      { kind: 'learned since' },
    ]);
  });

  it('keeps none of the events of the queue, which nobody reads', async () => {
    const find = (): Promise<{ value: string }[]> =>
      scene.api.prisma.$queryRaw`SELECT "value" FROM bullmq.meta WHERE "field" = 'opts.maxLenEvents'`;
    expect(await find()).toEqual([{ value: '1' }]);
  });

  it('writes the row of an agent again in its own page, with every heartbeat, and needs no other', async () => {
    const id = 'agent_beating';
    const [adapter, time] = [{ description: 'x'.repeat(1000) }, new Date()];
    const row = { id, host: 'h', device: 0, dataAddress: 'h:1', adapter, benchmark: {}, labels: {}, version: '1' };
    await scene.api.prisma.agent.create({ data: { ...row, lastSeenAt: time } });
    const size = async (): Promise<number> => {
      const [found] = await scene.api.prisma.$queryRaw<[{ bytes: number }]>`
        SELECT pg_total_relation_size('"Agent"')::int AS "bytes"`;
      return found.bytes;
    };
    const before = await size();
    for (let beat = 0; beat < 1_000; beat++) {
      const data = { lastSeenAt: new Date(time.getTime() + beat), telemetry: { beat, note: 'y'.repeat(500) } };
      await scene.api.prisma.agent.update({ where: { id }, data });
    }
    // A thousand versions of 1.7 kB would be 1.7 MB.
    expect(await size()).toBeLessThanOrEqual(before + 128 * 1024);
  });

  const series = (points: number): Parameters<SeriesRepository['read']>[0] => {
    return { runId: 'run_long', name: 'train/loss', points, from: 0, to: STEPS };
  };
});
