import { Injectable } from '@nestjs/common';
import type { AttemptRecord } from './attempt-record';
import { AttemptsRepository } from './attempts.repository';
import { LeasesRepository } from './leases.repository';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { ClusterSignals } from '../../ground/events/cluster-signals';
import type { RunRecord } from './run-record';
import { RunTransitionsService } from './run-transitions.service';
import { RunsRepository } from './runs.repository';

export interface FencedAttempt {
  readonly runId: string;
  readonly fence: number;
}

export interface LockedAttempt {
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
}

/** The rows that change together when a run does: the run, its attempts, their leases; and how they change. */
@Injectable()
export class RunLedger {
  constructor(
    private readonly prisma: PrismaService,
    readonly runs: RunsRepository,
    readonly attempts: AttemptsRepository,
    readonly leases: LeasesRepository,
    readonly transitions: RunTransitionsService,
    private readonly signals: ClusterSignals,
  ) {}

  /** A transaction; after its commit the rest of this replica looks at what it may have changed. */
  async change<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const result = await this.prisma.transaction(work);
    this.signals.commands();
    this.signals.schedule();
    return result;
  }

  /** A transaction that changes nothing which others wait for. */
  note<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.prisma.transaction(work);
  }

  /** The attempt of that fence, whether or not it is the newest, under its run's lock. */
  async lock(tx: Transaction, { runId, fence }: FencedAttempt): Promise<LockedAttempt | undefined> {
    const run = await this.runs.lock(tx, runId);
    const attempt = run && (await this.attempts.find(tx, { runId, fence }));
    return run && attempt ? { run, attempt } : undefined;
  }
}
