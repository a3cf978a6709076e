import { isFinal } from '@millrace/core';
import { Injectable } from '@nestjs/common';
import type { SubmittedBody } from '@millrace/contracts';
import { canTransition, isMoreSevere } from '@millrace/scheduler';
import { AttemptEndingsService } from '../../ledger/attempts/attempt-endings.service';
import { type AttemptRecord, isLive } from '../../ledger/runs/attempt-record';
import { BoundaryRequestsService } from '../../ledger/runs/boundary-requests.service';
import { AuditRepository } from '../../ground/audit/audit.repository';
import type { Transaction } from '../../ground/database/prisma.service';
import { RunLedger } from '../../ledger/runs/run-ledger';
import type { RunRecord } from '../../ledger/runs/run-record';
import { type Transition, RunTransitionsService } from '../../ledger/runs/run-transitions.service';
import { willAnswer } from '../idempotency/guarded-request';
import { runNotFound, runStateConflict } from '../../ledger/runs/runs.errors';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { LeasesRepository } from '../../ledger/runs/leases.repository';
import { EventsService } from '../../ground/events/events.service';

/** What a user may ask of a run: cancel, pause, resume, checkpoint. Each is one transaction under the run's lock. */
@Injectable()
export class RunActionsService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
    private readonly leases: LeasesRepository,
    private readonly transitions: RunTransitionsService,
    private readonly events: EventsService,
    private readonly endings: AttemptEndingsService,
    private readonly boundaries: BoundaryRequestsService,
    private readonly audit: AuditRepository,
  ) {}

  /** Cancelling a cancelled run is not an error; a run that has ended in another way cannot be cancelled. */
  cancel(id: string, actor: string): Promise<SubmittedBody> {
    return this.act(id, async (tx, run, attempt) => {
      if (run.state === 'cancelled' || (run.state === 'stopping' && !isMoreSevere('cancel', run.stopping))) return run;
      if (isFinal(run.state)) throw runStateConflict(id, run.state, 'be cancelled');
      const reason = { code: 'RUN.CANCELLED', message: `cancelled by ${await this.audit.nameOf(tx, actor)}` };
      if (attempt && isLive(attempt.state)) await this.endings.cancel(tx, attempt, actor);
      // A recovering run's devices may still be stopping; they belong to an attempt that is over already.
      const waits =
        canTransition(run.state, 'stopping') &&
        run.state !== 'recovering' &&
        (await this.leases.ofRun(tx, id)).length > 0;
      const changes = { actor, reason, stopping: 'cancel' as const };
      const action = 'run.cancel';
      if (waits) return this.moved(tx, run, { to: 'stopping', action, ...changes });
      if (canTransition(run.state, 'cancelled')) return this.moved(tx, run, { to: 'cancelled', action, ...changes });
      const stopping = await this.moved(tx, run, { to: 'stopping', action, ...changes });
      return this.moved(tx, stopping, { to: 'cancelled', ...changes });
    });
  }

  /** Pauses at the next step boundary, with a checkpoint; at once if no attempt is under way. */
  pause(id: string, actor: string): Promise<SubmittedBody> {
    return this.act(id, async (tx, run, attempt) => {
      if (run.state === 'pausing' || run.state === 'paused') return run;
      const reason = {
        code: 'RUN.PAUSE_REQUESTED',
        message: `pausing, as asked for by ${await this.audit.nameOf(tx, actor)}`,
      };
      const changes = { actor, action: 'run.pause', reason, stopping: 'pause' as const };
      if (canTransition(run.state, 'pausing') && attempt && isLive(attempt.state)) {
        await this.boundaries.request(tx, attempt, { checkpoint: true, stop: true });
        return this.moved(tx, run, { to: 'pausing', ...changes });
      }
      if (!canTransition(run.state, 'paused')) throw runStateConflict(id, run.state, 'be paused');
      return this.moved(tx, run, { to: 'paused', ...changes });
    });
  }

  resume(id: string, actor: string): Promise<SubmittedBody> {
    return this.act(id, async (tx, run) => {
      if (run.state === 'queued') return run;
      if (run.state !== 'paused') throw runStateConflict(id, run.state, 'be resumed; only a paused run can');
      const reason = { code: 'PENDING', message: 'waits for the scheduler' };
      return this.moved(tx, run, { to: 'queued', actor, action: 'run.resume', reason, stopping: null, retryAt: null });
    });
  }

  checkpoint(id: string, actor: string): Promise<SubmittedBody> {
    return this.act(id, async (tx, run, attempt) => {
      const trains = run.state === 'running' || run.state === 'starting' || run.state === 'pausing';
      if (!trains || !attempt || !isLive(attempt.state)) {
        throw runStateConflict(id, run.state, 'take a checkpoint; only a running one can');
      }
      await this.boundaries.request(tx, attempt, { checkpoint: true, stop: false });
      await this.events.append(tx, {
        type: 'run.checkpoint',
        runId: id,
        subject: id,
        actor,
        action: 'run.checkpoint',
        data: { state: 'requested', fence: run.fence },
      });
      return run;
    });
  }

  private async act(
    id: string,
    action: (tx: Transaction, run: RunRecord, attempt: AttemptRecord | null) => Promise<RunRecord>,
  ): Promise<SubmittedBody> {
    return this.ledger.change(async (tx) => {
      const run = await this.ledger.lockRun(tx, id);
      if (!run) throw runNotFound(id);
      const { state } = await action(tx, run, await this.attempts.find(tx, { runId: id, fence: run.fence }));
      return willAnswer<SubmittedBody>({ id, state });
    });
  }

  private async moved(tx: Transaction, run: RunRecord, transition: Transition): Promise<RunRecord> {
    const after = await this.transitions.move(tx, run, transition);
    if (!after) throw runStateConflict(run.id, run.state, `become ${transition.to}`);
    return after;
  }
}
