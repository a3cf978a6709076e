import { Injectable } from '@nestjs/common';
import type { AttemptRecord } from './attempt-record';
import { AttemptsRepository } from './attempts.repository';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { ClusterSignals } from '../../ground/events/cluster-signals';
import type { RunRecord } from './run-record';
import { RunsRepository } from './runs.repository';

export interface FencedAttempt {
  readonly runId: string;
  readonly fence: number;
}

export interface LockedAttempt {
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
}

/**
 * In which transaction, and under which lock, a run, its attempts and their leases change. What changes is the
 * repositories' affair; everything that changes a run holds the lock of its row.
 */
@Injectable()
export class RunLedger {
  constructor(
    private readonly prisma: PrismaService,
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly signals: ClusterSignals,
  ) {}

  /** Runs a transaction; after its commit, the rest of this replica looks at what it may have changed. */
  async change<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const result = await this.prisma.transaction(work);
    this.signals.commands();
    this.signals.schedule();
    return result;
  }

  /** Runs a transaction that changes nothing which others wait for. */
  changeQuietly<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.prisma.transaction(work);
  }

  /** The run as it is under the lock of its row, which the transaction holds until it ends. */
  lockRun(tx: Transaction, runId: string): Promise<RunRecord | null> {
    return this.runs.lock(tx, runId);
  }

  /** Locks the run of the attempt with that fence, which need not be the newest attempt. */
  async lock(tx: Transaction, { runId, fence }: FencedAttempt): Promise<LockedAttempt | undefined> {
    const run = await this.runs.lock(tx, runId);
    const attempt = run && (await this.attempts.find(tx, { runId, fence }));
    return run && attempt ? { run, attempt } : undefined;
  }
}
