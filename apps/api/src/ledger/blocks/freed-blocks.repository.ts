import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';

export interface FreedBlock {
  readonly id: bigint;
  readonly sha256: string;
}

/**
 * Blocks that something let go: whoever deletes a hold writes them here in the same transaction, and the database does
 * for references of checkpoints (see the migration `freed_blocks`).
 */
@Injectable()
export class FreedBlocksRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** The blocks that were let go longest ago, at most `count`. */
  oldest(count: number): Promise<FreedBlock[]> {
    return this.prisma.freedBlock.findMany({ orderBy: { id: 'asc' }, take: count });
  }

  /** Deletes these rows and no others: a block may have been let go again since they were read. */
  async forget(rows: readonly FreedBlock[]): Promise<void> {
    await this.prisma.freedBlock.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } });
  }
}
