import { Injectable } from '@nestjs/common';
import type { JoinTokenBody, JoinTokenRecord, NewJoinToken, Page } from '@millrace/contracts';
import { newId } from '@millrace/core';
import { AuditRepository } from '../../ground/audit/audit.repository';
import type { Principal } from '../../ground/auth/principal';
import { hashSecret, newSecret } from '../../ground/auth/secrets';
import { createdCursor, createdKeySchema, decodeCursor, nextCursor } from '../../ground/http/cursor';
import type { PageRequest } from '../../ground/http/parse-query';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService } from '../../ground/database/prisma.service';
import { ServedAddresses } from '../../ground/tls/served-addresses';
import { joinTokenNotFound } from '../../ground/accounts/accounts.errors';
import { type JoinTokenRow, JoinTokensRepository } from '../../ground/accounts/join-tokens.repository';

/** Tokens that enrol agents: each enrols one agent, unless more uses are asked for. */
@Injectable()
export class JoinTokensService {
  constructor(
    private readonly joinTokens: JoinTokensRepository,
    private readonly audit: AuditRepository,
    private readonly prisma: PrismaService,
    private readonly addresses: ServedAddresses,
    private readonly time: DatabaseClock,
  ) {}

  /** `host` is the name by which the caller reached this API; other machines may be able to use it too. */
  async create(
    { expiresInSeconds, uses }: NewJoinToken,
    { caller, host }: { caller: Principal; host: string },
  ): Promise<JoinTokenBody> {
    const token = newSecret('mlrjoin');
    const id = newId('join');
    // The time is from the clock that revocations use, because a revoked agent can come back only with a later join
    // token.
    const createdAt = await this.time.now();
    const expiresAt = new Date(createdAt.getTime() + expiresInSeconds * 1000);
    await this.prisma.transaction(async (tx) => {
      await this.joinTokens.create(tx, {
        id,
        hash: hashSecret(token),
        createdAt,
        expiresAt,
        uses,
        usesLeft: uses,
        createdById: caller.user?.id ?? null,
        createdByName: caller.user?.name ?? null,
      });
      const data = { expiresAt: expiresAt.toISOString(), uses };
      await this.audit.append(tx, { actor: caller.tokenId, action: 'join-token.create', subject: id, data });
    });
    const command = `millrace agent --join ${this.addresses.grpcFor(host)} --token ${token}`;
    return { id, token, expiresAt: expiresAt.toISOString(), uses, command: `${command}${this.addresses.trustOption}` };
  }

  /** Lists all join tokens, also those that enrol no more agents. */
  async list({ limit, cursor }: PageRequest): Promise<Page<JoinTokenRecord>> {
    const key = cursor === undefined ? undefined : decodeCursor(cursor, createdKeySchema);
    const rows = await this.joinTokens.list(limit + 1, key && { createdAt: new Date(key[0]), id: key[1] });
    const items = rows.slice(0, limit).map(toRecord);
    return { items, nextCursor: nextCursor(rows, limit, createdCursor) };
  }

  /** Revokes the token; agents that joined with it stay. @throws AppError JOIN.TOKEN_NOT_FOUND */
  async revoke(actor: string, id: string): Promise<void> {
    await this.prisma.transaction(async (tx) => {
      if (!(await this.joinTokens.revoke(tx, id, await this.time.now(tx)))) throw joinTokenNotFound(id);
      await this.audit.append(tx, { actor, action: 'join-token.revoke', subject: id, data: {} });
    });
  }
}

function toRecord(row: JoinTokenRow): JoinTokenRecord {
  const { id, uses, usesLeft, agentId, createdById, createdByName } = row;
  return {
    id,
    createdBy: createdById === null || createdByName === null ? null : { id: createdById, name: createdByName },
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    uses,
    usesLeft,
    usedAt: row.usedAt?.toISOString() ?? null,
    agentId,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
