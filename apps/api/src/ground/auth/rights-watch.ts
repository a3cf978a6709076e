import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { USER_ROLES } from '@millrace/contracts';
import { type AppError, type Clock, describeError, type Logger } from '@millrace/core';
import { CLOCK, LOGGER } from '../config/api-logger';
import { DatabaseClock } from '../database/database-clock';
import { rightsLost, sessionUnknown, tokenExpired, tokenUnknown, userDisabled } from './auth.errors';
import { covers } from './access';
import type { Principal } from './principal';
import { type TokenRights, TokensRepository } from './tokens.repository';

/** A change made at another replica, or the expiry of a token, ends what is open within this time. */
const LOOK_MS = 1_000;

interface Held {
  readonly principal: Principal;
  readonly end: (reason: AppError) => void;
  /** The projects of the user when they were first read. */
  projects?: readonly string[];
}

/**
 * What somebody has opened (agents' sessions, event streams, downloads, uploads) lives no longer than the rights with
 * which it was opened. The rights of all of them are looked up together, at every change in this replica and every
 * second.
 */
@Injectable()
export class RightsWatch implements OnModuleDestroy {
  private readonly held = new Set<Held>();
  private cancelTimer: (() => void) | undefined;
  private looking = false;
  private wantedAgain = false;
  private stopped = false;

  constructor(
    private readonly tokens: TokensRepository,
    private readonly time: DatabaseClock,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * `end` is called when the principal may do less than now, and again at every look after that. @returns a function
   * that stops watching
   */
  hold(principal: Principal, end: (reason: AppError) => void): () => void {
    const each: Held = { principal, end };
    this.held.add(each);
    if (this.cancelTimer === undefined && !this.looking) this.lookLater();
    return () => void this.held.delete(each);
  }

  /** Called when tokens, users, projects or browser sessions have changed in the database. */
  changed(): void {
    if (this.stopped) return;
    if (this.looking) {
      this.wantedAgain = true;
      return;
    }
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.looking = true;
    void this.look()
      // Without the database nobody can say that a right is gone; the next look tries again.
      .catch((error: unknown) => this.logger.warn({ reason: describeError(error) }, 'rights could not be looked up'))
      .finally(() => {
        this.looking = false;
        if (this.wantedAgain) {
          this.wantedAgain = false;
          this.changed();
        } else if (this.held.size > 0) this.lookLater();
      });
  }

  onModuleDestroy(): void {
    this.stopped = true;
    this.cancelTimer?.();
    this.held.clear();
  }

  private lookLater(): void {
    if (this.stopped) return;
    this.cancelTimer = this.clock.after(LOOK_MS, () => {
      this.cancelTimer = undefined;
      if (this.held.size > 0) this.changed();
    });
  }

  private async look(): Promise<void> {
    const held = [...this.held];
    const tokenIds = new Set(held.map(({ principal }) => principal.tokenId));
    const sessionIds = new Set(held.flatMap(({ principal: { sessionId } }) => sessionId ?? []));
    const rights = await this.tokens.rights([...tokenIds]);
    const sessions = await this.tokens.sessionsAmong([...sessionIds]);
    const nowMs = (await this.time.now()).getTime();
    for (const each of held) {
      const { tokenId, sessionId, sessionEndsAt } = each.principal;
      const signedOut = sessionId !== null && !sessions.has(sessionId);
      const reason =
        signedOut || isPast(sessionEndsAt, nowMs) ? sessionUnknown() : lossOf(each, rights.get(tokenId), nowMs);
      if (reason !== undefined && this.held.has(each)) each.end(reason);
    }
  }
}

/**
 * Why what was opened must end; undefined while its principal may still do everything that it could when it was opened.
 */
function lossOf(held: Held, now: TokenRights | undefined, nowMs: number): AppError | undefined {
  if (now === undefined || now.revokedAt !== null) return tokenUnknown();
  if (isPast(now.expiresAt, nowMs)) return tokenExpired(now.expiresAt as Date);
  const { role, scope, user } = held.principal;
  if (user !== null && now.disabled === true) return userDisabled(user.name);
  const lostRole = role !== 'agent' && USER_ROLES.indexOf(now.role ?? 'viewer') < USER_ROLES.indexOf(role);
  const lostScope = scope.some((each) => !covers(now.scope, each));
  const projects = (held.projects ??= now.projects);
  const lostProject = projects.some((id) => !now.projects.includes(id));
  return lostRole || lostScope || lostProject ? rightsLost() : undefined;
}

function isPast(time: Date | null, nowMs: number): boolean {
  return time !== null && time.getTime() <= nowMs;
}
