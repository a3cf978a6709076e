import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import { CLOCK } from '../config/api-logger';
import type { Transaction } from '../database/prisma.service';
import { EventsService } from '../events/events.service';
import { RunTransitionsService } from '../runs/run-transitions.service';
import type { RunRecord } from '../runs/run-record';
import { RunsRepository } from '../runs/runs.repository';
import type { AttemptRecord, AttemptState } from './attempt-record';
import { AttemptsRepository } from './attempts.repository';

interface LiveAttempt {
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
  readonly actor: string;
}

/** Moves a live attempt and its run forward: scheduled, starting, running. A run that is pausing stays so. */
@Injectable()
export class AttemptProgressService {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly runs: RunsRepository,
    private readonly transitions: RunTransitionsService,
    private readonly events: EventsService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async started(tx: Transaction, live: LiveAttempt): Promise<RunRecord> {
    const { run, attempt, actor } = live;
    if (attempt.state !== 'scheduled') return run;
    await this.advance(tx, live, 'starting');
    if (run.state !== 'scheduled') return run;
    return (await this.transitions.move(tx, run, 'starting', { actor, reason: null })) ?? run;
  }

  async running(tx: Transaction, live: LiveAttempt): Promise<void> {
    const run = await this.started(tx, live);
    if (live.attempt.state === 'running') return;
    await this.advance(tx, live, 'running');
    if (run.state === 'starting') await this.transitions.move(tx, run, 'running', { actor: live.actor, reason: null });
  }

  /** The first metric of an attempt says that it runs, should it come before the report. The run's row is locked already. */
  async metricsArrived(tx: Transaction, runId: string, fence: number, actor: string): Promise<void> {
    const attempt = await this.attempts.find(tx, runId, fence);
    if (!attempt || (attempt.state !== 'scheduled' && attempt.state !== 'starting')) return;
    const run = await this.runs.lock(tx, runId);
    if (run?.fence === fence) await this.running(tx, { run, attempt, actor });
  }

  private async advance(tx: Transaction, { attempt, actor }: LiveAttempt, state: AttemptState): Promise<void> {
    const startedAt = attempt.startedAt ?? new Date(this.clock.now());
    await this.attempts.update(tx, attempt, { state, startedAt });
    await this.events.append(tx, {
      type: 'run.attempt', runId: attempt.runId, subject: attempt.id, actor, data: { fence: attempt.fence, state, failure: null },
    });
  }
}
