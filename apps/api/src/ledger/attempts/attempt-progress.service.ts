import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../../ground/database/database-clock';
import type { Transaction } from '../../ground/database/prisma.service';
import { type FencedAttempt, RunLedger } from '../runs/run-ledger';
import type { RunRecord } from '../runs/run-record';
import type { AttemptRecord, AttemptState } from '../runs/attempt-record';
import { AttemptsRepository } from '../runs/attempts.repository';
import { RunTransitionsService } from '../runs/run-transitions.service';
import { EventsService } from '../../ground/events/events.service';

interface LiveAttempt {
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
  readonly actor: string;
}

/** Moves a live attempt and its run forward: scheduled, starting, running. A run that is pausing keeps that state. */
@Injectable()
export class AttemptProgressService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
    private readonly transitions: RunTransitionsService,
    private readonly events: EventsService,
    private readonly time: DatabaseClock,
  ) {}

  async started(tx: Transaction, live: LiveAttempt): Promise<RunRecord> {
    const { run, attempt, actor } = live;
    if (attempt.state !== 'scheduled') return run;
    await this.advance(tx, live, 'starting');
    if (run.state !== 'scheduled') return run;
    return (await this.transitions.move(tx, run, { to: 'starting', actor, reason: null })) ?? run;
  }

  /** @returns the run in its new state */
  async running(tx: Transaction, live: LiveAttempt): Promise<RunRecord> {
    const run = await this.started(tx, live);
    if (live.attempt.state === 'running') return run;
    await this.advance(tx, live, 'running');
    if (run.state !== 'starting') return run;
    return (await this.transitions.move(tx, run, { to: 'running', actor: live.actor, reason: null })) ?? run;
  }

  /**
   * The first metric of an attempt shows that it runs, if it comes before the report that says so. The run's row is
   * locked already.
   */
  async metricsArrived(tx: Transaction, { runId, fence }: FencedAttempt, actor: string): Promise<void> {
    const attempt = await this.attempts.find(tx, { runId, fence });
    if (!attempt || (attempt.state !== 'scheduled' && attempt.state !== 'starting')) return;
    const run = await this.ledger.lockRun(tx, runId);
    if (run?.fence === fence) await this.running(tx, { run, attempt, actor });
  }

  private async advance(tx: Transaction, { attempt, actor }: LiveAttempt, state: AttemptState): Promise<void> {
    const startedAt = attempt.startedAt ?? (await this.time.now(tx));
    await this.attempts.update(tx, attempt, { state, startedAt });
    await this.events.append(tx, {
      type: 'run.attempt',
      runId: attempt.runId,
      subject: attempt.id,
      actor,
      data: { fence: attempt.fence, state, failure: null },
    });
  }
}
