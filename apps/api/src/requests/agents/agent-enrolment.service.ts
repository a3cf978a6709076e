import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { AppError, newId } from '@millrace/core';
import {
  agentEnrolled,
  agentRevoked,
  joinTokenExpired,
  joinTokenInvalid,
  joinTokenRevoked,
  joinTokenUsed,
} from '../../ground/accounts/accounts.errors';
import { JoinTokensRepository } from '../../ground/accounts/join-tokens.repository';
import { AuditRepository } from '../../ground/audit/audit.repository';
import { assertAccess } from '../../ground/auth/access';
import { agentForbidden, tokenMissing } from '../../ground/auth/auth.errors';
import type { Principal } from '../../ground/auth/principal';
import { hashSecret, newSecret } from '../../ground/auth/secrets';
import { TokensRepository } from '../../ground/auth/tokens.repository';
import { TokensService } from '../../ground/auth/tokens.service';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { checkAgentId } from '../../intake/sessions/registration';

/** Gives agents credentials of their own, so that no agent needs to keep an admin's token. */
@Injectable()
export class AgentEnrolmentService {
  constructor(
    private readonly tokens: TokensService,
    private readonly rows: TokensRepository,
    private readonly joinTokens: JoinTokensRepository,
    private readonly audit: AuditRepository,
    private readonly prisma: PrismaService,
    private readonly time: DatabaseClock,
  ) {}

  /**
   * `bearer` is an admin's token, a join token, or the agent's credential. @returns a new credential, which voids older
   * ones; undefined if `bearer` is a credential that is in force
   * @throws AppError AUTH.*, JOIN.*, SESSION.REGISTRATION_INVALID
   */
  async enrol(bearer: string | undefined, request: agentV1.EnrollRequest): Promise<string | undefined> {
    if (bearer === undefined) throw tokenMissing();
    const { agentId } = request;
    const principal = await this.known(bearer);
    checkAgentId(agentId);
    if (principal?.agentId === agentId) return undefined;
    if (principal?.agentId) throw agentForbidden(agentId, principal.agentId);
    if (principal) assertAccess(principal, { role: 'admin', scope: 'agents' });
    const credential = newSecret('mlragent');
    await this.prisma.transaction(async (tx) => {
      const actor = principal?.tokenId ?? (await this.useJoinToken(tx, bearer, agentId));
      await this.issue(tx, { credential, actor, request });
    });
    this.tokens.rightsChanged();
    return credential;
  }

  /** Undefined if it is not a user's or an agent's token; it may still be a join token. */
  private async known(bearer: string): Promise<Principal | undefined> {
    try {
      return await this.tokens.authenticate(bearer);
    } catch (error) {
      if (error instanceof AppError && error.code === 'AUTH.TOKEN_UNKNOWN') return undefined;
      throw error;
    }
  }

  private async useJoinToken(tx: Transaction, bearer: string, agentId: string): Promise<string> {
    const hash = hashSecret(bearer);
    const before = await this.joinTokens.find(tx, hash);
    const now = await this.time.now(tx);
    if (before === null) throw joinTokenInvalid();
    if (!(await this.joinTokens.use(tx, hash, { agentId, now }))) {
      // Whoever has the token's secret may learn what became of the token.
      const after = await this.joinTokens.find(tx, hash);
      if (after?.revokedAt) throw joinTokenRevoked(after.revokedAt);
      if (before.expiresAt <= now) throw joinTokenExpired(before.expiresAt);
      throw joinTokenUsed(after);
    }
    // It throws inside the transaction, so that the join token is not used up.
    await this.assertMayJoin(tx, agentId, before.createdAt);
    return before.id;
  }

  /**
   * A revoked agent must not come back with the token that it joined with: its next start would undo the revocation.
   */
  private async assertMayJoin(tx: Transaction, agentId: string, tokenMadeAt: Date): Promise<void> {
    const last = await this.rows.lastOfAgent(tx, agentId);
    if (last === null) return;
    if (last.revokedAt === null) throw agentEnrolled(agentId);
    if (last.revokedAt >= tokenMadeAt) throw agentRevoked(agentId, last.revokedAt);
  }

  private async issue(
    tx: Transaction,
    { credential, actor, request }: { credential: string; actor: string; request: agentV1.EnrollRequest },
  ): Promise<void> {
    const { agentId, host, device } = request;
    await this.rows.revokeOfAgent(tx, agentId, await this.time.now(tx));
    await this.rows.create(tx, {
      id: newId('token'),
      name: `agent ${host.slice(0, 100)}:${device}`.replaceAll('\0', '\uFFFD'),
      hash: hashSecret(credential),
      agentId,
      scope: ['agents'],
    });
    await this.audit.append(tx, { actor, action: 'agent.enrol', subject: agentId, data: { device } });
  }
}
