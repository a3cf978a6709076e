import { Inject, Injectable } from '@nestjs/common';
import { AppError, type Clock, type Logger } from '@millrace/core';
import { ApiConfig } from '../../ground/config/api-config';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';

/** If anything took longer than this share of a lease, renewals may not have been stored. */
const SHARE_OF_LEASE = 1 / 3;

/**
 * Remembers since when this process has been able to receive heartbeats and to store them. Only a live API ends leases:
 * whatever kept it from renewing them (its start, a pause of the process, a database that was away or slow) gives every
 * lease one full fresh term.
 */
@Injectable()
export class LeaseTerm {
  private liveSinceMs: number;
  private restartCount = 0;
  private toldCount = 0;
  /** When each call that is under way began; oldest first. */
  private readonly underWay = new Set<{ readonly startMs: number }>();

  constructor(
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.liveSinceMs = clock.monotonicMs();
  }

  /** Whether leases that have run out may be ended now. */
  get hasPassed(): boolean {
    return this.clock.monotonicMs() - this.liveSinceMs >= this.config.leaseMs;
  }

  /** The newest restart that other replicas do not know of yet; undefined if they know all. */
  get untold(): number | undefined {
    return this.restartCount > this.toldCount ? this.restartCount : undefined;
  }

  told(restart: number): void {
    this.toldCount = Math.max(this.toldCount, restart);
  }

  /** Called when renewals may have been missed until now. */
  restart(reason: string): void {
    const nowMs = this.clock.monotonicMs();
    // A database that is away fails every call, but one line is enough to report it.
    if (nowMs - this.liveSinceMs > this.config.leaseMs * SHARE_OF_LEASE)
      this.logger.warn({ reason }, 'renewals of leases may have been missed: every lease gets a fresh term');
    this.liveSinceMs = nowMs;
    this.restartCount++;
  }

  /** Restarts the term if a call still waits for the database, which may answer other connections. */
  noteWaits(): void {
    const [oldest] = this.underWay;
    const waitsMs = oldest === undefined ? 0 : this.clock.monotonicMs() - oldest.startMs;
    if (waitsMs > this.config.leaseMs * SHARE_OF_LEASE)
      this.restart(`the database has not answered for ${waitsMs.toFixed(0)} ms`);
  }

  /** Runs `work`, which uses the database; a failure or a late answer restarts the term. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    const startMs = this.clock.monotonicMs();
    const own = { startMs };
    this.underWay.add(own);
    try {
      return await work();
    } catch (error) {
      // A refusal is an answer of the database, and no reason to restart the term.
      if (!(error instanceof AppError)) this.restart('the database failed');
      throw error;
    } finally {
      this.underWay.delete(own);
      const tookMs = this.clock.monotonicMs() - startMs;
      if (tookMs > this.config.leaseMs * SHARE_OF_LEASE) this.restart(`the database took ${tookMs.toFixed(0)} ms`);
    }
  }
}
