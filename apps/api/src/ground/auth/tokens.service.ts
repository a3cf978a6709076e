import { Inject, Injectable } from '@nestjs/common';
import type { UserRole } from '@millrace/contracts';
import { type Clock, newId } from '@millrace/core';
import { CLOCK } from '../config/api-logger';
import { DatabaseClock } from '../database/database-clock';
import { sessionUnknown, tokenExpired, tokenMissing, tokenUnknown, userDisabled } from './auth.errors';
import type { Principal } from './principal';
import { RightsWatch } from './rights-watch';
import { hashSecret } from './secrets';
import { TokensRepository, type TokenWithUser } from './tokens.repository';

/** A change made at another replica is noticed within this time. */
const CACHE_MS = 5_000;
const CACHE_COUNT_MAX = 1_000;
/** The user that the migration which introduced users has made. */
const FIRST_USER = { id: 'user_admin', name: 'admin', role: 'admin' };

interface Cached {
  readonly principal: Principal;
  /** When the database was asked, by its clock and by this process's clock, which run at the same speed. */
  readonly readAt: Date;
  readonly readMonotonicMs: number;
}

/**
 * Finds out who a secret belongs to. The database has only hashes, so that neither a dump nor timing reveals a secret.
 */
@Injectable()
export class TokensService {
  private readonly cache = new Map<string, Cached>();

  constructor(
    private readonly tokens: TokensRepository,
    private readonly rights: RightsWatch,
    private readonly time: DatabaseClock,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `bearer` is the token itself, without the scheme. @throws AppError AUTH.TOKEN_*, AUTH.USER_DISABLED */
  async authenticate(bearer: string | undefined): Promise<Principal> {
    if (bearer === undefined || bearer === '') throw tokenMissing();
    return this.remembered(hashSecret(bearer), async (hash) => {
      const row = await this.tokens.findByHash(hash);
      if (!row) throw tokenUnknown();
      return this.principalOf(row);
    });
  }

  /**
   * `cookie` is the secret of a browser session. @throws AppError AUTH.SESSION_UNKNOWN, and the errors of
   * `authenticate`
   */
  async authenticateSession(cookie: string): Promise<Principal> {
    return this.remembered(hashSecret(cookie), async (hash) => {
      const found = await this.tokens.findBySession(hash);
      if (!found) throw sessionUnknown();
      return { ...this.principalOf(found.token), sessionId: hash, sessionEndsAt: found.expiresAt };
    });
  }

  /** Makes `token` valid for the first admin; several replicas may do so at once. */
  async ensure(token: string, name: string): Promise<void> {
    await this.tokens.ensure(FIRST_USER, { id: newId('token'), name, hash: hashSecret(token) });
  }

  /**
   * Called after a change of users, tokens, projects or sessions was committed. This replica at once ends what was
   * opened with rights that are gone; other replicas do so within a second, and refuse new requests with such a token
   * within 5 s.
   */
  rightsChanged(): void {
    this.cache.clear();
    this.rights.changed();
  }

  /** Whether `authenticate` would answer without asking the database. */
  isRemembered(bearer: string | undefined): boolean {
    const cached = bearer === undefined ? undefined : this.cache.get(hashSecret(bearer));
    return cached !== undefined && this.ageMs(cached) < CACHE_MS;
  }

  private async remembered(hash: string, read: (hash: string) => Promise<Principal>): Promise<Principal> {
    const cached = this.cache.get(hash);
    const ageMs = cached === undefined ? Infinity : this.ageMs(cached);
    if (cached && ageMs < CACHE_MS) return inForce(cached.principal, cached.readAt.getTime() + ageMs);
    this.cache.delete(hash);
    const readMonotonicMs = this.clock.monotonicMs();
    const principal = await read(hash);
    const readAt = await this.time.now();
    inForce(principal, readAt.getTime());
    if (this.cache.size >= CACHE_COUNT_MAX) this.cache.clear();
    this.cache.set(hash, { principal, readAt, readMonotonicMs });
    return principal;
  }

  private ageMs({ readMonotonicMs }: Cached): number {
    return this.clock.monotonicMs() - readMonotonicMs;
  }

  private principalOf({ id, user, agentId, scope, expiresAt, revokedAt }: TokenWithUser): Principal {
    if (revokedAt !== null || (user === null && agentId === null)) throw tokenUnknown();
    if (user?.disabled === true) throw userDisabled(user.name);
    const common = { tokenId: id, scope, expiresAt, sessionId: null, sessionEndsAt: null };
    return user === null
      ? { ...common, role: 'agent', user: null, agentId }
      : { ...common, role: user.role as UserRole, user: { id: user.id, name: user.name }, agentId: null };
  }
}

/** @throws AppError AUTH.TOKEN_EXPIRED, AUTH.SESSION_UNKNOWN */
function inForce(principal: Principal, nowMs: number): Principal {
  const { expiresAt, sessionEndsAt } = principal;
  if (expiresAt !== null && expiresAt.getTime() <= nowMs) throw tokenExpired(expiresAt);
  if (sessionEndsAt !== null && sessionEndsAt.getTime() <= nowMs) throw sessionUnknown();
  return principal;
}
