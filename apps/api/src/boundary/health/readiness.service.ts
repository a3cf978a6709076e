import { Inject, Injectable } from '@nestjs/common';
import { type Clock, describeError } from '@millrace/core';
import { CLOCK } from '../../ground/config/api-logger';
import { PrismaService } from '../../ground/database/prisma.service';

export interface ReadinessReport {
  readonly ready: boolean;
  /** `ok`, or why not. */
  readonly checks: Readonly<Record<string, string>>;
}

const CHECK_MS_MAX = 2_000;

/** Whether this replica can serve: the database answers, and what else was registered. */
@Injectable()
export class ReadinessService {
  private readonly checks = new Map<string, () => Promise<unknown>>();

  constructor(
    prisma: PrismaService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.register('database', () => prisma.$queryRaw`SELECT 1`);
  }

  /** `check` rejects when the part is not usable. */
  register(name: string, check: () => Promise<unknown>): void {
    this.checks.set(name, check);
  }

  async report(): Promise<ReadinessReport> {
    const entries = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await this.outcome(check)] as const),
    );
    return { ready: entries.every(([, outcome]) => outcome === 'ok'), checks: Object.fromEntries(entries) };
  }

  private async outcome(check: () => Promise<unknown>): Promise<string> {
    let cancel = (): void => undefined;
    const late = new Promise<string>((resolve) => {
      cancel = this.clock.after(CHECK_MS_MAX, () => resolve(`no answer within ${CHECK_MS_MAX} ms`));
    });
    const answer = check().then(
      () => 'ok',
      (error: unknown) => describeError(error),
    );
    return Promise.race([answer, late]).finally(() => cancel());
  }
}
