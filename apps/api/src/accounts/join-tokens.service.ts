import { Inject, Injectable } from '@nestjs/common';
import type { JoinTokenBody, NewJoinToken } from '@millrace/contracts';
import { type Clock, newId } from '@millrace/core';
import { AuditRepository } from '../audit/audit.repository';
import { hashSecret, newSecret } from '../auth/secrets';
import { CLOCK } from '../config/api-logger';
import { PrismaService } from '../database/prisma.service';
import { ServedAddresses } from '../tls/served-addresses';
import { JoinTokensRepository } from './join-tokens.repository';

/** Tokens that enrol agents: one each, unless more uses are asked for. */
@Injectable()
export class JoinTokensService {
  constructor(
    private readonly joinTokens: JoinTokensRepository,
    private readonly audit: AuditRepository,
    private readonly prisma: PrismaService,
    private readonly addresses: ServedAddresses,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `host`: under which the caller reached this API, so other machines may too. */
  async create(
    { expiresInSeconds, uses }: NewJoinToken,
    caller: { actor: string; host: string },
  ): Promise<JoinTokenBody> {
    const token = newSecret('mlrjoin');
    const id = newId('join');
    // By the clock that revocations go by, since an agent that was revoked comes back only with a later join token.
    const createdAt = new Date(this.clock.now());
    const expiresAt = new Date(createdAt.getTime() + expiresInSeconds * 1000);
    await this.prisma.transaction(async (tx) => {
      await this.joinTokens.create(tx, { id, hash: hashSecret(token), createdAt, expiresAt, usesLeft: uses });
      const data = { expiresAt: expiresAt.toISOString(), uses };
      await this.audit.append(tx, { actor: caller.actor, action: 'join-token.create', subject: id, data });
    });
    const command = `millrace agent --join ${this.addresses.grpcFor(caller.host)} --token ${token}`;
    return { token, expiresAt: expiresAt.toISOString(), uses, command: `${command}${this.addresses.trustOption}` };
  }
}
