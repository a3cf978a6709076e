import { Injectable } from '@nestjs/common';
import { type DeviceTelemetryBody, TELEMETRY_SERIES, type TelemetrySeriesName } from '@millrace/contracts';
import { PrismaService } from '../../ground/database/prisma.service';
import { Prisma } from '../../generated/prisma/client';

export type TelemetryValues = Readonly<Record<TelemetrySeriesName, number | null>>;
export type TelemetryRow = TelemetryValues & { readonly time: Date };

export interface TelemetryRange {
  readonly agentId: string;
  readonly from: Date;
  readonly to: Date;
  /** At most so many rows are returned, each the mean of a part of the range. */
  readonly points: number;
}

/** Rows of telemetry, which are written every few seconds per agent and deleted by age. */
@Injectable()
export class TelemetryRepository {
  constructor(private readonly prisma: PrismaService) {}

  async store(agentId: string, time: Date, telemetry: DeviceTelemetryBody): Promise<void> {
    const values = Object.fromEntries(TELEMETRY_SERIES.map((name) => [name, telemetry[name]]));
    await this.prisma.$transaction([
      this.prisma.agent.updateMany({ where: { id: agentId }, data: { telemetry: { ...telemetry } } }),
      this.prisma.agentTelemetry.createMany({ data: [{ agentId, time, ...values }], skipDuplicates: true }),
    ]);
  }

  /** In ascending order of time. A mean leaves out unknown values; if none is known, it is null. */
  async range({ agentId, from, to, points }: TelemetryRange): Promise<TelemetryRow[]> {
    const means = TELEMETRY_SERIES.map((name) => Prisma.sql`avg(${column(name)}) AS ${column(name)}`);
    const bucketMs = Math.max(1, (to.getTime() - from.getTime()) / points);
    return this.prisma.$queryRaw<TelemetryRow[]>`
      SELECT max("time") AS "time", ${Prisma.join(means)} FROM "AgentTelemetry"
      WHERE "agentId" = ${agentId} AND "time" >= ${from} AND "time" < ${to}
      GROUP BY floor(extract(epoch FROM "time" - ${from}::timestamptz) * 1000 / ${bucketMs}::float8) ORDER BY 1`;
  }

  async prune(before: Date): Promise<void> {
    await this.prisma.agentTelemetry.deleteMany({ where: { time: { lt: before } } });
  }
}

/** The names are those of this code, never a request's. */
function column(name: TelemetrySeriesName): Prisma.Sql {
  return Prisma.raw(`"${name}"`);
}
