import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';

/** What training needs to know about a dataset. */
export interface RunDataset {
  readonly id: string;
  readonly tokens: number;
  readonly vocab: number;
  readonly tokenizer: unknown;
  readonly dtype: 'u16' | 'u32';
  readonly sha256: string;
  readonly bytes: number;
}

/** Datasets from the view of runs. */
@Injectable()
export class RunDatasetsRepository {
  constructor(private readonly prisma: PrismaService) {}

  async find(id: string): Promise<RunDataset | null> {
    const row = await this.prisma.dataset.findUnique({ where: { id } });
    if (!row) return null;
    const { vocab, tokenizer, sha256 } = row;
    return {
      id,
      vocab,
      tokenizer,
      sha256,
      tokens: Number(row.tokens),
      bytes: Number(row.bytes),
      dtype: row.dtype === 'u32' ? 'u32' : 'u16',
    };
  }
}
