import { Injectable } from '@nestjs/common';
import type { CreatedToken, NewToken, Page, TokenBody } from '@millrace/contracts';
import { newId } from '@millrace/core';
import { AuditRepository } from '../../ground/audit/audit.repository';
import { covers } from '../../ground/auth/access';
import type { Principal } from '../../ground/auth/principal';
import { hashSecret, newSecret } from '../../ground/auth/secrets';
import { TokensRepository, type TokenWithUser } from '../../ground/auth/tokens.repository';
import { TokensService } from '../../ground/auth/tokens.service';
import { createdCursor, createdKeySchema, decodeCursor, nextCursor } from '../../ground/http/cursor';
import type { PageRequest } from '../../ground/http/parse-query';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService } from '../../ground/database/prisma.service';
import {
  expiryPast,
  lastAdminToken,
  tokenBeyondOwn,
  tokenNotFound,
  userNotFound,
} from '../../ground/accounts/accounts.errors';
import { UsersRepository } from '../../ground/accounts/users.repository';

/** Tokens: users manage their own; admins also those of other users and of agents. */
@Injectable()
export class UserTokensService {
  constructor(
    private readonly rows: TokensRepository,
    private readonly users: UsersRepository,
    private readonly tokens: TokensService,
    private readonly audit: AuditRepository,
    private readonly prisma: PrismaService,
    private readonly time: DatabaseClock,
  ) {}

  async list(caller: Principal, { limit, cursor }: PageRequest): Promise<Page<TokenBody>> {
    const key = cursor === undefined ? undefined : decodeCursor(cursor, createdKeySchema);
    const rows = await this.rows.list(limit + 1, {
      userId: caller.role === 'admin' ? undefined : caller.user?.id,
      after: key && { createdAt: new Date(key[0]), id: key[1] },
    });
    const items = rows.slice(0, limit).map(toTokenBody);
    return { items, nextCursor: nextCursor(rows, limit, createdCursor) };
  }

  /** Only this answer contains the secret. @throws AppError TOKEN.BEYOND_OWN, TOKEN.EXPIRY_PAST, USER.NOT_FOUND */
  async create(caller: Principal, wanted: NewToken): Promise<CreatedToken> {
    const { name, scope } = wanted;
    const userId = wanted.userId ?? caller.user?.id ?? '';
    const expiresAt = await this.expiryOf(caller, wanted);
    assertWithinOwn(caller, wanted, userId);
    if (!(await this.users.find(userId))) throw userNotFound(userId);
    const secret = newSecret('mlr');
    const row = await this.prisma.transaction(async (tx) => {
      const created = await this.rows.create(tx, {
        id: newId('token'),
        name,
        hash: hashSecret(secret),
        userId,
        scope,
        expiresAt,
      });
      const data = { name, userId, scope, expiresAt: expiresAt?.toISOString() ?? null };
      await this.audit.append(tx, { actor: caller.tokenId, action: 'token.create', subject: created.id, data });
      return created;
    });
    return { ...toTokenBody(row), token: secret };
  }

  /**
   * Revokes the token and ends its sessions. @throws AppError TOKEN.NOT_FOUND, also for another user's token;
   * TOKEN.LAST_ADMIN
   */
  async revoke(caller: Principal, id: string): Promise<void> {
    const row = await this.rows.find(id);
    const own = caller.role === 'admin' || (row?.userId ?? undefined) === caller.user?.id;
    if (!row || !own) throw tokenNotFound(id);
    await this.prisma.transaction(async (tx) => {
      // The admins are locked, so that of two revocations at once each sees the other.
      await this.users.lockAdmins(tx);
      const ofAdmins = await this.rows.ofAdmins(tx);
      if (ofAdmins.length === 1 && ofAdmins[0] === id) throw lastAdminToken(row.name);
      if (!(await this.rows.revoke(tx, id, await this.time.now(tx)))) throw tokenNotFound(id);
      const data = { name: row.name, userId: row.userId, agentId: row.agentId };
      await this.audit.append(tx, { actor: caller.tokenId, action: 'token.revoke', subject: id, data });
    });
    this.tokens.rightsChanged();
  }

  private async expiryOf(caller: Principal, { expiresAt }: NewToken): Promise<Date | null> {
    if (expiresAt === null) {
      if (caller.expiresAt !== null)
        throw tokenBeyondOwn('/expiresAt', 'must be given: the token in use expires itself');
      return null;
    }
    const time = new Date(expiresAt);
    if (time <= (await this.time.now())) throw expiryPast(expiresAt);
    if (caller.expiresAt !== null && time > caller.expiresAt) {
      throw tokenBeyondOwn('/expiresAt', `is after ${caller.expiresAt.toISOString()}, when the token in use expires`);
    }
    return time;
  }
}

function assertWithinOwn(caller: Principal, { scope }: NewToken, userId: string): void {
  if (userId !== caller.user?.id && caller.role !== 'admin') {
    throw tokenBeyondOwn('/userId', 'is not your own; only an admin makes tokens of others');
  }
  const extra = scope.filter((each) => !covers(caller.scope, each));
  if (extra.length > 0) throw tokenBeyondOwn('/scope', `has ${extra.join(', ')}, which the token in use does not have`);
}

function toTokenBody({ id, name, user, agentId, scope, createdAt, expiresAt }: TokenWithUser): TokenBody {
  return {
    id,
    name,
    user: user && { id: user.id, name: user.name },
    agentId,
    scope,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}
