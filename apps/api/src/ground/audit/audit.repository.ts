import { Injectable } from '@nestjs/common';
import type { AuditEntryBody } from '@millrace/contracts';
import { type JsonInput, PrismaService, type Transaction } from '../database/prisma.service';
import type { AuditEntry } from '../../generated/prisma/client';

export interface NewAuditEntry {
  /** Id of a token or of an agent, or `system`. */
  readonly actor: string;
  /** Such as run.submit or user.create. */
  readonly action: string;
  readonly subject: string;
  readonly data: JsonInput;
}

export interface AuditFilter {
  /** Id or name of the actor. */
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** Only entries before this one are returned. */
  readonly before?: bigint | undefined;
}

/** Records who did what. */
@Injectable()
export class AuditRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Must run in the transaction of the change itself. A token stands for its user, whose present name is stored. */
  async append(tx: Transaction, { actor, action, subject, data }: NewAuditEntry): Promise<void> {
    await tx.$executeRaw`
      INSERT INTO "AuditEntry" ("actorId", "actorName", "tokenId", "action", "subject", "data")
      SELECT COALESCE(u."id", ${actor}), COALESCE(u."name", ${actor}), t."id", ${action}, ${subject},
        ${JSON.stringify(data)}::jsonb
      FROM (SELECT 1) AS one LEFT JOIN "Token" t ON t."id" = ${actor} LEFT JOIN "User" u ON u."id" = t."userId"`;
  }

  /** The name by which people know an actor: the user of a token, else the id itself. */
  async nameOf(tx: Transaction, actor: string): Promise<string> {
    const token = await tx.token.findUnique({ where: { id: actor }, select: { user: { select: { name: true } } } });
    return token?.user?.name ?? actor;
  }

  /** Newest first. */
  async page(count: number, { actor, action, before }: AuditFilter): Promise<AuditEntryBody[]> {
    const rows = await this.prisma.auditEntry.findMany({
      where: {
        ...(actor === undefined ? {} : { OR: [{ actorId: actor }, { actorName: actor }] }),
        ...(action === undefined ? {} : { action }),
        ...(before === undefined ? {} : { id: { lt: before } }),
      },
      orderBy: { id: 'desc' },
      take: count,
    });
    return rows.map(toBody);
  }
}

function toBody({ id, time, actorId, actorName, tokenId, action, subject, data }: AuditEntry): AuditEntryBody {
  return {
    id: String(id),
    time: time.toISOString(),
    actor: { id: actorId, name: actorName },
    tokenId,
    action,
    subject,
    data,
  };
}
