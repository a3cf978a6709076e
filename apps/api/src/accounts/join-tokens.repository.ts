import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/prisma.service';
import type { JoinToken } from '../generated/prisma/client';

/** Rows of join tokens. */
@Injectable()
export class JoinTokensRepository {
  async create(
    tx: Transaction,
    token: Pick<JoinToken, 'id' | 'hash' | 'createdAt' | 'expiresAt' | 'usesLeft'>,
  ): Promise<void> {
    await tx.joinToken.create({ data: token });
  }

  async find(tx: Transaction, hash: string): Promise<JoinToken | null> {
    return tx.joinToken.findUnique({ where: { hash } });
  }

  /** Takes one use. False when it is not known, used up or over; of two that want the last use, one gets it. */
  async use(tx: Transaction, hash: string, { agentId, now }: { agentId: string; now: Date }): Promise<boolean> {
    const { count } = await tx.joinToken.updateMany({
      where: { hash, usesLeft: { gt: 0 }, expiresAt: { gt: now } },
      data: { usesLeft: { decrement: 1 }, usedAt: now, agentId },
    });
    return count === 1;
  }
}
