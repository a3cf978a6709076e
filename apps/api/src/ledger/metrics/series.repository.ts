import { Injectable } from '@nestjs/common';
import type { SeriesBody } from '@millrace/contracts';
import { PrismaService } from '../../ground/database/prisma.service';
import { Prisma } from '../../generated/prisma/client';
import { isThinned } from './is-thinned';

export interface BucketQuery {
  readonly runId: string;
  readonly name: string;
  /** The most buckets to return. */
  readonly points: number;
  /** The first and the last step, both inclusive. */
  readonly from: number;
  readonly to: number;
}

type Series = SeriesBody['series'][number];

interface Extent {
  readonly total: bigint;
  readonly first: number | null;
  readonly last: number | null;
  readonly thinnedThrough: number | null;
}

export interface NamedPoint {
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

/** Steps between two others, which are themselves excluded. */
interface StepsBetween {
  readonly runId: string;
  readonly name: string;
  readonly after: number;
  readonly before: number;
  readonly limit: number;
}

/** Metric points in the form that charts need. Long series are reduced inside the database. */
@Injectable()
export class SeriesRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Returns every point if there are no more than `points`; else buckets of equally many steps, each with its least and
   * largest value and its last point. A point that stands for several steps counts with all their values.
   */
  async read(query: BucketQuery): Promise<Series> {
    const { runId, name, points, from, to } = query;
    const [extent] = await this.prisma.$queryRaw<Extent[]>`
      SELECT count(*) AS "total", min("step") AS "first", max("step") AS "last",
        (SELECT "thinnedStep" FROM "Run" WHERE "id" = ${runId}) AS "thinnedThrough" FROM "MetricPoint"
      WHERE "runId" = ${runId} AND "name" = ${name} AND "step" BETWEEN ${from}::int AND ${to}::int`;
    const total = Number(extent?.total ?? 0);
    const first = extent?.first ?? 0;
    const bucketSteps = total <= points ? 1 : Math.ceil(((extent?.last ?? 0) - first + 1) / points);
    const summary = await this.buckets(query, first, bucketSteps);
    const thinnedThrough = isThinned(name) ? (extent?.thinnedThrough ?? 0) : 0;
    return { name, total, points: summary, ...(thinnedThrough === 0 ? {} : { thinnedThrough }) };
  }

  /** The names of the points that the run has, ascending. */
  async names(runId: string): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ name: string }[]>`
      ${namesOf(runId)} SELECT "name" FROM names WHERE "name" IS NOT NULL`;
    return rows.map(({ name }) => name);
  }

  /** The newest point of each name, by name. */
  async newest(runId: string): Promise<NamedPoint[]> {
    return this.prisma.$queryRaw`
      ${namesOf(runId)}
      SELECT point.* FROM names CROSS JOIN LATERAL (
        SELECT p."name", p."step", p."value" FROM "MetricPoint" p
        WHERE p."runId" = ${runId} AND p."name" = names."name" ORDER BY p."step" DESC LIMIT 1) AS point
      WHERE names."name" IS NOT NULL`;
  }

  /** The newest `limit` points of a name after one step and before another, ascending. */
  async between({ runId, name, after, before, limit }: StepsBetween): Promise<NamedPoint[]> {
    const newestFirst = await this.prisma.metricPoint.findMany({
      where: { runId, name, step: { gt: after, lt: before } },
      select: { name: true, step: true, value: true },
      orderBy: { step: 'desc' },
      take: limit,
    });
    return newestFirst.toReversed();
  }

  private async buckets(
    { runId, name, from, to }: BucketQuery,
    first: number,
    steps: number,
  ): Promise<Series['points']> {
    return this.prisma.$queryRaw`
      SELECT max("step") AS "step", (array_agg("value" ORDER BY "step" DESC))[1] AS "value",
        min(COALESCE("min", "value")) AS "min", max(COALESCE("max", "value")) AS "max"
      FROM "MetricPoint"
      WHERE "runId" = ${runId} AND "name" = ${name} AND "step" BETWEEN ${from}::int AND ${to}::int
      GROUP BY ("step" - ${first}::int) / ${steps}::int ORDER BY 1`;
  }
}

/** Skips through the index: each name costs one lookup, however many points it has. */
function namesOf(runId: string): Prisma.Sql {
  return Prisma.sql`
    WITH RECURSIVE names AS (
      (SELECT "name" FROM "MetricPoint" WHERE "runId" = ${runId} ORDER BY "name" LIMIT 1)
      UNION ALL
      SELECT (SELECT p."name" FROM "MetricPoint" p WHERE p."runId" = ${runId} AND p."name" > names."name"
              ORDER BY p."name" LIMIT 1)
      FROM names WHERE names."name" IS NOT NULL)`;
}
