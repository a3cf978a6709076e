import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';

export interface ThinnableRun {
  readonly id: string;
  readonly step: number;
  readonly thinnedStep: number;
}

/** A range of steps; `after` is exclusive. */
export interface StepSpan {
  readonly after: number;
  readonly through: number;
}

/** Replaces several points by one. */
@Injectable()
export class MetricThinningRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Runs that have gone on by at least `stepCount` steps since they were last thinned. */
  runs(stepCount: number): Promise<ThinnableRun[]> {
    return this.prisma.$queryRaw`
      SELECT "id", "step", "thinnedStep" FROM "Run" WHERE "step" - "thinnedStep" >= ${stepCount}::int ORDER BY "id"`;
  }

  /**
   * Keeps the last point of each `width` steps, with the least, largest and mean value of all of them. A point that
   * stands for several steps counts as many, so that doing it again changes nothing.
   */
  async thin(runId: string, name: string, { after, through, width }: StepSpan & { width: number }): Promise<void> {
    await this.prisma.$executeRaw`
      WITH bucket AS (
        SELECT max("step") AS "last", sum("steps")::int AS "steps", min(COALESCE("min", "value")) AS "min",
          max(COALESCE("max", "value")) AS "max", sum(COALESCE("mean", "value") * "steps") / sum("steps") AS "mean"
        FROM "MetricPoint"
        WHERE "runId" = ${runId} AND "name" = ${name} AND "step" > ${after}::int AND "step" <= ${through}::int
        GROUP BY ("step" - 1) / ${width}::int
      ), gone AS (
        DELETE FROM "MetricPoint"
        WHERE "runId" = ${runId} AND "name" = ${name} AND "step" > ${after}::int AND "step" <= ${through}::int
          AND "step" NOT IN (SELECT "last" FROM bucket)
      )
      UPDATE "MetricPoint" point
      SET "steps" = bucket."steps", "min" = bucket."min", "max" = bucket."max", "mean" = bucket."mean"
      FROM bucket
      WHERE point."runId" = ${runId} AND point."name" = ${name} AND point."step" = bucket."last"
        AND bucket."steps" > point."steps"`;
  }

  /** Returns false, and changes nothing, when another replica was first. */
  async thinned(runId: string, { after, through }: StepSpan): Promise<boolean> {
    const { count } = await this.prisma.run.updateMany({
      where: { id: runId, thinnedStep: after },
      data: { thinnedStep: through },
    });
    return count === 1;
  }
}
