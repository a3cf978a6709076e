import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../ground/database/prisma.service';
import { type FencedAttempt, RunLedger } from './run-ledger';
import type { AttemptRecord } from './attempt-record';
import { AttemptsRepository } from './attempts.repository';

export interface Wanted {
  readonly checkpoint: boolean;
  readonly stop: boolean;
  /** Stop too, but only at a boundary where a checkpoint is taken anyway. */
  readonly stopAtCheckpoint?: boolean;
}

/**
 * Asks rank 0 to do something at its next step boundary. A request is a field of a row, so that it survives a lost
 * session.
 */
@Injectable()
export class BoundaryRequestsService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
  ) {}

  /** Joins the request with what was asked before: a stop remains a stop. The caller holds the run's lock. */
  async request(tx: Transaction, attempt: AttemptRecord, wanted: Wanted): Promise<void> {
    const { checkpoint, stop, stopAtCheckpoint = false } = wanted;
    const { boundary } = attempt;
    if (boundary?.stop && stop) return;
    const next = {
      sequence: (boundary?.sequence ?? 0) + 1,
      checkpoint: checkpoint || (boundary !== null && !boundary.acknowledged && boundary.checkpoint),
      stop: stop || (boundary?.stop ?? false),
      stopAtCheckpoint: stopAtCheckpoint || (boundary?.stopAtCheckpoint ?? false),
      acknowledged: false,
    };
    await this.attempts.update(tx, attempt, { boundary: next });
  }

  /** Rank 0 holds the request from now on, and fulfils it at its next boundary. */
  async acknowledged(fenced: FencedAttempt, sequence: number): Promise<void> {
    await this.ledger.changeQuietly(async (tx) => {
      const attempt = (await this.ledger.lock(tx, fenced))?.attempt;
      if (attempt?.boundary?.sequence !== sequence) return;
      await this.attempts.update(tx, attempt, { boundary: { ...attempt.boundary, acknowledged: true } });
    });
  }
}
