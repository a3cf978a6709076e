import { Injectable } from '@nestjs/common';
import type { CreatedKey } from '../database/created-key';
import { PrismaService, type Transaction } from '../database/prisma.service';
import type { JoinToken, Prisma } from '../../generated/prisma/client';

export type JoinTokenRow = JoinToken;

/** Rows of join tokens. */
@Injectable()
export class JoinTokensRepository {
  constructor(private readonly prisma: PrismaService) {}

  async create(tx: Transaction, token: Prisma.JoinTokenUncheckedCreateInput): Promise<void> {
    await tx.joinToken.create({ data: token });
  }

  /** Newest first. */
  async list(count: number, after: CreatedKey | undefined): Promise<JoinToken[]> {
    return this.prisma.joinToken.findMany({
      ...(after === undefined
        ? {}
        : {
            where: {
              OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }],
            },
          }),
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: count,
    });
  }

  async find(tx: Transaction, hash: string): Promise<JoinToken | null> {
    return tx.joinToken.findUnique({ where: { hash } });
  }

  /**
   * Takes one use of the token. Returns false when it is unknown, used up or over; if two callers want the last use,
   * one of them gets it.
   */
  async use(tx: Transaction, hash: string, { agentId, now }: { agentId: string; now: Date }): Promise<boolean> {
    const { count } = await tx.joinToken.updateMany({
      where: { hash, usesLeft: { gt: 0 }, expiresAt: { gt: now } },
      data: { usesLeft: { decrement: 1 }, usedAt: now, agentId },
    });
    return count === 1;
  }

  /** Returns false when the token is unknown, or enrols no more agents anyway. */
  async revoke(tx: Transaction, id: string, now: Date): Promise<boolean> {
    if (id.includes('\0')) return false;
    const { count } = await tx.joinToken.updateMany({
      where: { id, usesLeft: { gt: 0 }, expiresAt: { gt: now } },
      data: { usesLeft: 0, revokedAt: now },
    });
    return count === 1;
  }
}
