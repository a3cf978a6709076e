import { Injectable } from '@nestjs/common';
import type { MetricPage } from '@millrace/contracts';
import { encodeCursor, nextCursor } from '../../ground/http/cursor';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { lockRunAtFence } from '../../ground/database/lock-run-at-fence';
import type { MetricPoint } from '../../generated/prisma/client';

export interface MetricPointInput {
  readonly name: string;
  readonly step: number;
  readonly value: number;
  readonly timeMs: number;
}

export interface MetricBatchInput {
  readonly runId: string;
  readonly fence: number;
  readonly points: readonly MetricPointInput[];
}

export interface MetricQuery {
  readonly runId: string;
  readonly name: string;
  readonly limit: number;
  /** Only points of later steps are returned. */
  readonly afterStep: number;
}

/** Metric points: one for each (run, name, step), from the latest attempt. */
@Injectable()
export class MetricsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Upserts a batch and moves the run's `step` on. Returns false, and writes nothing, when `fence` is not the run's
   * current one. Values that are not finite are left out, since JSON has no such numbers; the run's failure tells about
   * them.
   */
  async store(tx: Transaction, { runId, fence, points }: MetricBatchInput): Promise<boolean> {
    if (!(await lockRunAtFence(tx, runId, fence))) return false;
    const rows = lastOfEach(points.filter(({ value }) => Number.isFinite(value)));
    if (rows.length === 0) return true;
    const times = rows.map(({ timeMs }) => new Date(timeMs));
    await tx.$executeRaw`
      INSERT INTO "MetricPoint" ("runId", "name", "step", "value", "time", "fence")
      SELECT ${runId}::text, points.*, ${fence}::int FROM unnest(
        ${rows.map(({ name }) => name)}::text[], ${rows.map(({ step }) => step)}::int[],
        ${rows.map(({ value }) => value)}::float8[], ${times}::timestamptz[]) AS points
      ON CONFLICT ("runId", "name", "step") DO UPDATE
        SET "value" = excluded."value", "time" = excluded."time", "fence" = excluded."fence",
          "steps" = 1, "min" = NULL, "max" = NULL, "mean" = NULL`;
    const step = rows.reduce((largest, row) => Math.max(largest, row.step), 0);
    await tx.run.updateMany({ where: { id: runId, step: { lt: step } }, data: { step } });
    return true;
  }

  /** In ascending order of steps. */
  async page({ runId, name, limit, afterStep }: MetricQuery): Promise<MetricPage> {
    const rows = await this.prisma.metricPoint.findMany({
      where: { runId, name, step: { gt: afterStep } },
      orderBy: { step: 'asc' },
      take: limit + 1,
    });
    const points = rows.slice(0, limit).map(pointBody);
    return { points, nextCursor: nextCursor(rows, limit, ({ step }) => encodeCursor([step])) };
  }
}

function pointBody({ step, value, time, steps, min, max, mean }: MetricPoint): MetricPage['points'][number] {
  const point = { step, value, time: time.toISOString() };
  return steps === 1
    ? point
    : { ...point, summary: { steps, min: min ?? value, max: max ?? value, mean: mean ?? value } };
}

/** Keeps the last point of each step and name: one statement cannot upsert a row twice. */
function lastOfEach(points: readonly MetricPointInput[]): MetricPointInput[] {
  return [...new Map(points.map((point) => [`${point.step} ${point.name}`, point])).values()];
}
