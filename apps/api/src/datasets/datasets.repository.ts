import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service';
import type { Dataset } from '../generated/prisma/client';

/** Rows of datasets. */
@Injectable()
export class DatasetsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** An id wins over a name that looks like one. */
  async findByIdOrName(idOrName: string): Promise<Dataset | null> {
    const found = await this.prisma.dataset.findMany({ where: { OR: [{ id: idOrName }, { name: idOrName }] } });
    return found.find(({ id }) => id === idOrName) ?? found[0] ?? null;
  }
}
