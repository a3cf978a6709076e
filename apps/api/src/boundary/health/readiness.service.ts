import { Inject, Injectable } from '@nestjs/common';
import { type Clock, describeError, type Logger, within } from '@millrace/core';
import { RememberedAnswer } from '../../ground/concurrency/remembered-answer';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { PrismaService } from '../../ground/database/prisma.service';

export interface ReadinessReport {
  readonly ready: boolean;
  /** Why a part fails is only in the log: the reason names hosts and users, and a probe needs no token. */
  readonly checks: Readonly<Record<string, 'ok' | 'failing'>>;
}

const CHECK_MS_MAX = 2_000;

/** Results are kept for this long: probes ask every few seconds, but strangers may ask as often as they like. */
const REMEMBERED_MS = 1_000;

/**
 * Whether this replica can serve: whether the database and the other registered parts answer. A full disk is reported,
 * but does not make the replica unready, since training goes on.
 */
@Injectable()
export class ReadinessService {
  private readonly checks = new Map<string, () => Promise<unknown>>();
  private readonly warnings = new Map<string, () => Promise<unknown>>();
  private readonly newest: RememberedAnswer<ReadinessReport>;

  constructor(
    prisma: PrismaService,
    blobs: BlobsService,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.newest = new RememberedAnswer(clock, REMEMBERED_MS, () => this.look());
    this.register('database', () => prisma.$queryRaw`SELECT 1`);
    this.warnings.set('disk', () => blobs.assertRoomFor(0));
  }

  /** `check` must reject when the part is not usable. */
  register(name: string, check: () => Promise<unknown>): void {
    this.checks.set(name, check);
  }

  report(): Promise<ReadinessReport> {
    return this.newest.get();
  }

  private async look(): Promise<ReadinessReport> {
    const [essential, told] = await Promise.all([this.outcomes(this.checks), this.outcomes(this.warnings)]);
    const ready = Object.values(essential).every((outcome) => outcome === 'ok');
    return { ready, checks: { ...essential, ...told } };
  }

  private async outcomes(
    checks: ReadonlyMap<string, () => Promise<unknown>>,
  ): Promise<Record<string, 'ok' | 'failing'>> {
    const entries = await Promise.all(
      [...checks].map(async ([name, check]) => {
        const outcome = await this.outcome(check);
        if (outcome !== 'ok') this.logger.warn({ part: name, reason: outcome }, 'a part of the API is not usable');
        return [name, outcome === 'ok' ? outcome : 'failing'] as const;
      }),
    );
    return Object.fromEntries(entries);
  }

  private async outcome(check: () => Promise<unknown>): Promise<string> {
    const work = check().then(
      () => 'ok',
      (error: unknown) => describeError(error),
    );
    return within(this.clock, CHECK_MS_MAX, { work, late: () => `no answer within ${CHECK_MS_MAX} ms` });
  }
}
