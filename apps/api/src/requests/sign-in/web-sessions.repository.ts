import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';

/** Rows of browsers' sessions. */
@Injectable()
export class WebSessionsRepository {
  constructor(private readonly prisma: PrismaService) {}

  async create(tx: Transaction, session: { hash: string; tokenId: string; expiresAt: Date }): Promise<void> {
    await tx.webSession.create({ data: session });
  }

  async delete(tx: Transaction, hash: string): Promise<boolean> {
    return (await tx.webSession.deleteMany({ where: { hash } })).count === 1;
  }

  /** Deletes the sessions that ended before `now`. */
  async prune(now: Date): Promise<void> {
    await this.prisma.webSession.deleteMany({ where: { expiresAt: { lt: now } } });
  }
}
