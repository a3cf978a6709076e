import { Injectable } from '@nestjs/common';
import type { SessionBody } from '@millrace/contracts';
import { AuditRepository } from '../../ground/audit/audit.repository';
import { roleForbidden } from '../../ground/auth/auth.errors';
import type { Principal } from '../../ground/auth/principal';
import { hashSecret, newSecret } from '../../ground/auth/secrets';
import { TokensService } from '../../ground/auth/tokens.service';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService } from '../../ground/database/prisma.service';
import { WebSessionsRepository } from './web-sessions.repository';

/** A week is long enough for a run, and short enough for a borrowed machine. */
const SESSION_MS = 7 * 86_400_000;

export interface OpenedSession {
  /** The secret for the cookie; only its hash is stored. */
  readonly secret: string;
  readonly expiresAt: Date;
  readonly body: SessionBody;
}

/** Sessions of browsers: EventSource and file downloads cannot send a bearer token, but they send a cookie. */
@Injectable()
export class SignInService {
  constructor(
    private readonly tokens: TokensService,
    private readonly sessions: WebSessionsRepository,
    private readonly audit: AuditRepository,
    private readonly prisma: PrismaService,
    private readonly time: DatabaseClock,
  ) {}

  /** Opens a session, which ends with its token at the latest. @throws AppError AUTH.* */
  async open(token: string): Promise<OpenedSession> {
    const principal = await this.tokens.authenticate(token);
    const now = await this.time.now();
    const expiresAt = new Date(
      Math.min(now.getTime() + SESSION_MS, principal.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY),
    );
    const body = sessionBody({ ...principal, sessionEndsAt: expiresAt });
    const secret = newSecret('mlrsession');
    const { tokenId } = principal;
    await this.sessions.prune(now);
    await this.prisma.transaction(async (tx) => {
      await this.sessions.create(tx, { hash: hashSecret(secret), tokenId, expiresAt });
      await this.audit.append(tx, { actor: tokenId, action: 'session.create', subject: tokenId, data: {} });
    });
    return { secret, expiresAt, body };
  }

  async close(secret: string, actor: string): Promise<void> {
    await this.prisma.transaction(async (tx) => {
      if (!(await this.sessions.delete(tx, hashSecret(secret)))) return;
      await this.audit.append(tx, { actor, action: 'session.delete', subject: actor, data: {} });
    });
    this.tokens.rightsChanged();
  }
}

/** @throws AppError AUTH.ROLE_FORBIDDEN for an agent, which has no business in a browser */
export function sessionBody({ user, role, expiresAt, sessionEndsAt }: Principal): SessionBody {
  if (user === null || role === 'agent') throw roleForbidden(role, 'viewer');
  return { user: { ...user, role }, expiresAt: (sessionEndsAt ?? expiresAt)?.toISOString() ?? null };
}
