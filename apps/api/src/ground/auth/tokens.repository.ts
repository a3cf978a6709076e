import { Injectable } from '@nestjs/common';
import type { UserRole } from '@millrace/contracts';
import type { CreatedKey } from '../database/created-key';
import { PrismaService, type Transaction } from '../database/prisma.service';
import type { Prisma, Token, User } from '../../generated/prisma/client';

/** What a token may do; role and disabled are null for an agent's token. */
export interface TokenRights {
  readonly scope: readonly string[];
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly role: UserRole | null;
  readonly disabled: boolean | null;
  /** Ids of the projects that the user belongs to. */
  readonly projects: readonly string[];
}

export type TokenWithUser = Token & { user: User | null };

const WITH_USER = { user: true } as const;

/** Rows of tokens; no row has a secret. */
@Injectable()
export class TokensRepository {
  constructor(private readonly prisma: PrismaService) {}

  async findByHash(hash: string): Promise<TokenWithUser | null> {
    return this.prisma.token.findUnique({ where: { hash }, include: WITH_USER });
  }

  /** Of the browser session whose cookie has this hash, with the session's end. */
  async findBySession(hash: string): Promise<{ token: TokenWithUser; expiresAt: Date } | null> {
    return this.prisma.webSession.findUnique({
      where: { hash },
      select: { expiresAt: true, token: { include: WITH_USER } },
    });
  }

  async find(id: string): Promise<TokenWithUser | null> {
    return id.includes('\0') ? null : this.prisma.token.findUnique({ where: { id }, include: WITH_USER });
  }

  /** What tokens may do now, by id; none for those that are gone. */
  async rights(tokenIds: readonly string[]): Promise<ReadonlyMap<string, TokenRights>> {
    if (tokenIds.length === 0) return new Map();
    const rows = await this.prisma.$queryRaw<(TokenRights & { id: string })[]>`
      SELECT t."id", t."scope", t."expiresAt", t."revokedAt", u."role", u."disabled", array(
        SELECT p."id" FROM "Project" p WHERE u."id" IS NOT NULL AND (p."everyone"
          OR EXISTS (SELECT FROM "ProjectMember" m WHERE m."projectId" = p."id" AND m."userId" = u."id"))
      ) AS "projects"
      FROM "Token" t LEFT JOIN "User" u ON u."id" = t."userId" WHERE t."id" = ANY(${[...tokenIds]}::text[])`;
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Those of the browser sessions that nobody has ended. */
  async sessionsAmong(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const where = { hash: { in: [...ids] } };
    return new Set((await this.prisma.webSession.findMany({ where, select: { hash: true } })).map(({ hash }) => hash));
  }

  /** The valid tokens, newest first; with `userId`, only that user's. */
  async list(
    count: number,
    filter: { userId?: string | undefined; after?: CreatedKey | undefined },
  ): Promise<TokenWithUser[]> {
    const { userId, after } = filter;
    return this.prisma.token.findMany({
      where: {
        revokedAt: null,
        ...(userId === undefined ? {} : { userId }),
        ...(after === undefined
          ? {}
          : { OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }] }),
      },
      include: WITH_USER,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: count,
    });
  }

  async create(tx: Transaction, data: Prisma.TokenUncheckedCreateInput): Promise<TokenWithUser> {
    return tx.token.create({ data, include: WITH_USER });
  }

  /** Returns false when it was revoked before. */
  async revoke(tx: Transaction, id: string, now: Date): Promise<boolean> {
    return (await tx.token.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: now } })).count === 1;
  }

  /** The valid tokens that let an enabled admin do everything, and that never expire. */
  async ofAdmins(tx: Transaction): Promise<string[]> {
    const rows = await tx.token.findMany({
      where: {
        revokedAt: null,
        expiresAt: null,
        scope: { has: '*' },
        user: { role: 'admin', disabled: false },
      },
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  /** The agent's valid credential, else the one that was revoked last; null for an agent that never had one. */
  async lastOfAgent(tx: Transaction, agentId: string): Promise<Token | null> {
    return tx.token.findFirst({ where: { agentId }, orderBy: { revokedAt: { sort: 'desc', nulls: 'first' } } });
  }

  /** Revokes the credentials that an agent has had. */
  async revokeOfAgent(tx: Transaction, agentId: string, now: Date): Promise<void> {
    await tx.token.updateMany({ where: { agentId, revokedAt: null }, data: { revokedAt: now } });
  }

  /** Makes a user with a token if they do not exist; if they do, they stay as they are. */
  async ensure(
    user: { id: string; name: string; role: string },
    token: { id: string; name: string; hash: string },
  ): Promise<void> {
    await this.prisma.user.upsert({ where: { id: user.id }, create: user, update: {} });
    const create = { ...token, userId: user.id, scope: ['*'] };
    await this.prisma.token.upsert({ where: { hash: token.hash }, create, update: {} });
  }
}
