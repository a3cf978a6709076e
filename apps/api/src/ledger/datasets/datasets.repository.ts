import { Injectable } from '@nestjs/common';
import type { DatasetBody } from '@millrace/contracts';
import type { CreatedKey } from '../../ground/database/created-key';
import { isUniqueViolation } from '../../ground/database/prisma-failures';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import type { Dataset, Prisma } from '../../generated/prisma/client';
import { datasetNameTaken } from './datasets.errors';

export type DatasetRow = Dataset;

/** Rows of datasets. */
@Injectable()
export class DatasetsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** If the text is both an id and a name, the id counts. */
  async findByIdOrName(idOrName: string): Promise<Dataset | null> {
    if (idOrName.includes('\0')) return null;
    const found = await this.prisma.dataset.findMany({ where: { OR: [{ id: idOrName }, { name: idOrName }] } });
    return found.find(({ id }) => id === idOrName) ?? found[0] ?? null;
  }

  async find(id: string): Promise<Dataset | null> {
    return id.includes('\0') ? null : this.prisma.dataset.findUnique({ where: { id } });
  }

  async nameIsTaken(name: string): Promise<boolean> {
    return (await this.prisma.dataset.count({ where: { name } })) > 0;
  }

  /** Newest first. */
  async list(count: number, after?: CreatedKey): Promise<Dataset[]> {
    const older = after && {
      OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }],
    };
    return this.prisma.dataset.findMany({
      where: older ?? {},
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: count,
    });
  }

  /** @throws AppError DATASET.NAME_TAKEN, because another upload may have been quicker */
  async create(tx: Transaction, dataset: Prisma.DatasetCreateInput): Promise<Dataset> {
    try {
      return await tx.dataset.create({ data: dataset });
    } catch (error) {
      if (isUniqueViolation(error)) throw datasetNameTaken(dataset.name);
      throw error;
    }
  }

  /** Until the transaction ends, nobody else can add or remove the token file with this hash. */
  async lockFile(tx: Transaction, sha256: string): Promise<void> {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`dataset ${sha256}`}, 0))`;
  }

  async usersOfFile(tx: Transaction, sha256: string): Promise<number> {
    return tx.dataset.count({ where: { sha256 } });
  }

  /** How many runs read it, and the id of one of them. */
  async runsOf(tx: Transaction, id: string): Promise<{ count: number; runId: string | undefined }> {
    const count = await tx.run.count({ where: { datasetId: id } });
    const run = await tx.run.findFirst({ where: { datasetId: id }, select: { id: true } });
    return { count, runId: run?.id };
  }

  async delete(tx: Transaction, id: string): Promise<boolean> {
    return (await tx.dataset.deleteMany({ where: { id } })).count === 1;
  }
}

export function toDatasetBody({ id, name, tokens, vocab, tokenizer, bytes, createdAt }: Dataset): DatasetBody {
  const { name: tokenizerName } = tokenizer as { name: string };
  return {
    id,
    name,
    tokens: Number(tokens),
    vocab,
    tokenizer: tokenizerName,
    bytes: Number(bytes),
    createdAt: createdAt.toISOString(),
  };
}
