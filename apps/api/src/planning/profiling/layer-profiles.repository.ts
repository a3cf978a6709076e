import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { LayerTimes, LayerWork } from '@millrace/contracts';
import { PrismaService } from '../../ground/database/prisma.service';
import { type LayerProfile, Prisma } from '../../generated/prisma/client';

/** The times measured on a kind of device, or the fact that an agent was asked to measure them. */
export interface LayerProfileRecord {
  readonly kind: string;
  readonly model: string;
  readonly microBatch: number;
  readonly recompute: LayerWork['recompute'];
  readonly agentId: string;
  readonly askedAt: Date;
  readonly work: LayerWork;
  /** Null until they have been measured. */
  readonly layers: LayerTimes | null;
  readonly error: string | null;
}

export type ProfileKey = Pick<LayerProfileRecord, 'kind' | 'model' | 'microBatch' | 'recompute'>;

/** Digest of everything that the time of one layer depends on; the number of layers is left out. */
function layerDigest({ model: { layers: _, ...model }, precision }: Pick<LayerWork, 'model' | 'precision'>): string {
  // A digest without the precision is that of f32.
  const all = precision === 'f32' ? model : { ...model, precision };
  const entries = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}

/** Rows of layer profiles: one per kind of device, model, micro-batch and recompute setting. */
@Injectable()
export class LayerProfilesRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** The profiles of every kind of device and recompute setting. */
  async ofLayers(work: Omit<LayerWork, 'recompute'>): Promise<LayerProfileRecord[]> {
    const where = { model: layerDigest(work), microBatch: work.microBatch };
    const rows = await this.prisma.layerProfile.findMany({ where });
    return rows.map(toRecord);
  }

  /** What agents were asked to measure since `since` and have not answered. */
  async asked(agentIds: readonly string[], since: Date): Promise<LayerProfileRecord[]> {
    const rows = await this.prisma.layerProfile.findMany({
      where: { agentId: { in: [...agentIds] }, layers: { equals: Prisma.DbNull }, error: null, askedAt: { gt: since } },
    });
    return rows.map(toRecord);
  }

  /** Marks the profile as asked for. An existing row is marked again, unless an agent was asked after `before`. */
  async ask(
    kind: string,
    work: LayerWork,
    asked: { readonly agentId: string; readonly at: Date; readonly before: Date },
  ): Promise<void> {
    const { agentId, at, before } = asked;
    const { microBatch, recompute } = work;
    const key = { kind, model: layerDigest(work), microBatch, recompute };
    await this.prisma.layerProfile.createMany({
      data: [{ ...key, agentId, askedAt: at, work }],
      skipDuplicates: true,
    });
    await this.prisma.layerProfile.updateMany({
      where: { ...key, layers: { equals: Prisma.DbNull }, askedAt: { lt: before } },
      data: { agentId, askedAt: at, error: null },
    });
  }

  async measured(key: ProfileKey, agentId: string, { layers, at }: MeasuredLayers): Promise<void> {
    await this.prisma.layerProfile.updateMany({
      where: { ...keyOf(key), agentId },
      data: { layers, error: null, measuredAt: at },
    });
  }

  /** Stores what a run's own steps showed, which counts more than a separate measurement. */
  async learned(kind: string, work: LayerWork, { layers, at, agentId }: LearnedLayers): Promise<void> {
    const { microBatch, recompute } = work;
    const key = { kind, model: layerDigest(work), microBatch, recompute };
    const learned = { layers, error: null, measuredAt: at };
    await this.prisma.layerProfile.upsert({
      where: { kind_model_microBatch_recompute: key },
      create: { ...key, agentId, askedAt: at, work, ...learned },
      update: learned,
    });
  }

  async failed(key: ProfileKey, agentId: string, error: string): Promise<void> {
    await this.prisma.layerProfile.updateMany({
      where: { ...keyOf(key), agentId, layers: { equals: Prisma.DbNull } },
      data: { error },
    });
  }
}

interface MeasuredLayers {
  readonly layers: LayerTimes;
  readonly at: Date;
}

interface LearnedLayers extends MeasuredLayers {
  readonly agentId: string;
}

function keyOf({ kind, model, microBatch, recompute }: ProfileKey): ProfileKey {
  return { kind, model, microBatch, recompute };
}

function toRecord(row: LayerProfile): LayerProfileRecord {
  return {
    ...row,
    recompute: row.recompute as LayerWork['recompute'],
    work: row.work as unknown as LayerWork,
    layers: row.layers as unknown as LayerTimes | null,
  };
}
