import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/prisma.service';

/** Rows of join tokens. */
@Injectable()
export class JoinTokensRepository {
  async create(tx: Transaction, token: { id: string; hash: string; expiresAt: Date }): Promise<void> {
    await tx.joinToken.create({ data: token });
  }

  /** The id of the token, now used up; undefined when it is not known, used or over. Of two at once, one wins. */
  async use(
    tx: Transaction,
    hash: string,
    { agentId, now }: { agentId: string; now: Date },
  ): Promise<string | undefined> {
    const { count } = await tx.joinToken.updateMany({
      where: { hash, usedAt: null, expiresAt: { gt: now } },
      data: { usedAt: now, agentId },
    });
    if (count === 0) return undefined;
    return (await tx.joinToken.findUniqueOrThrow({ where: { hash } })).id;
  }
}
