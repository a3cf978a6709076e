import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type Clock, newId } from '@millrace/core';
import { CLOCK } from '../config/api-logger';
import { PrismaService } from '../database/prisma.service';
import { tokenMissing, tokenUnknown } from './auth.errors';

export interface Principal {
  readonly tokenId: string;
  /** admin | agent */
  readonly role: string;
}

/** A revoked token is refused at the latest this long after. */
const CACHE_MS = 5_000;
const CACHE_COUNT_MAX = 1_000;

/** Bearer tokens; the database holds only their SHA-256, so that neither a dump nor timing gives one away. */
@Injectable()
export class TokensService {
  private readonly cache = new Map<string, { principal: Principal; untilMs: number }>();

  constructor(
    private readonly prisma: PrismaService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `bearer`: the token itself, without the scheme. @throws AppError AUTH.TOKEN_MISSING, AUTH.TOKEN_UNKNOWN */
  async authenticate(bearer: string | undefined): Promise<Principal> {
    if (bearer === undefined || bearer === '') throw tokenMissing();
    const hash = hashToken(bearer);
    const cached = this.cache.get(hash);
    if (cached && cached.untilMs > this.clock.now()) return cached.principal;
    this.cache.delete(hash);
    const row = await this.prisma.token.findUnique({ where: { hash } });
    if (!row || row.revokedAt !== null) throw tokenUnknown();
    const principal = { tokenId: row.id, role: row.role };
    if (this.cache.size >= CACHE_COUNT_MAX) this.cache.clear();
    this.cache.set(hash, { principal, untilMs: this.clock.now() + CACHE_MS });
    return principal;
  }

  /** Makes sure that `token` opens the API; several replicas may do so at once. */
  async ensure(token: string, name: string, role: 'admin' | 'agent'): Promise<void> {
    const hash = hashToken(token);
    await this.prisma.token.upsert({ where: { hash }, create: { id: newId('token'), name, hash, role }, update: {} });
  }
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
