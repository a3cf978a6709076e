import { Injectable } from '@nestjs/common';
import type { Failure } from '@millrace/contracts';
import { bytesText } from '@millrace/core';
import { canTransition, type EndedAttempt, heldMemoryBytes, retryDecision, retryWaitMs } from '@millrace/scheduler';
import { CheckpointWritesRepository } from '../blocks/checkpoint-writes.repository';
import { DatabaseClock } from '../../ground/database/database-clock';
import type { Transaction } from '../../ground/database/prisma.service';
import type { RunRecord } from '../runs/run-record';
import { type AttemptRecord, type AttemptState, everyRank } from '../runs/attempt-record';
import { type AttemptChanges, AttemptsRepository } from '../runs/attempts.repository';
import { SetAsideService } from './set-aside.service';
import { LeasesRepository } from '../runs/leases.repository';
import { RunTransitionsService } from '../runs/run-transitions.service';
import { EventsService } from '../../ground/events/events.service';

export interface Ending {
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
  readonly actor: string;
}

export interface FailedEnding extends Ending {
  readonly state: 'failed' | 'lost';
  readonly failure: Failure;
}

interface EndChanges extends AttemptChanges {
  readonly state: AttemptState;
  readonly actor: string;
}

/** Ends live attempts, and decides what becomes of their runs. The caller holds the run's lock. */
@Injectable()
export class AttemptEndingsService {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly leases: LeasesRepository,
    private readonly transitions: RunTransitionsService,
    private readonly events: EventsService,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly setAsides: SetAsideService,
    private readonly time: DatabaseClock,
  ) {}

  /**
   * Ends an attempt that failed or lost an agent. Its leases stay until each agent confirms that it has stopped, or
   * until they run out: a device must not be promised to the next gang while the last one may still use it.
   */
  async fail(tx: Transaction, { run, attempt, state, failure, actor }: FailedEnding): Promise<void> {
    await this.end(tx, attempt, { actor, state, failure });
    if (await this.isTrained(tx, run, attempt)) {
      await this.transitions.move(tx, run, { to: 'succeeded', actor, reason: null });
      return;
    }
    await this.setAsides.consider(tx, failure);
    const ended = (await this.attempts.ofRuns([run.id], tx)).filter(({ fence }) => fence <= attempt.fence);
    const earlier = ended.slice(0, -1).map((each) => each.failure?.class);
    const decision = retryDecision(earlier, failure.class, run.spec.retries);
    const retryAt = decision.retry ? await this.retryTime(tx, ended) : null;
    const limit = decision.retry ? limitText(failure, attempt) : undefined;
    const wait = retryAt && `, not before ${retryAt.toISOString()}, since the last attempts failed at once`;
    const reason = {
      code: failure.code,
      message: `${failure.message} (${decision.sentence}${limit ?? ''}${wait ?? ''})`,
    };
    const changes = { actor, reason, failures: decision.usedRetries, retryAt };
    if (!decision.retry) {
      // The fence stays, because points of the last steps that are still on their way from other ranks belong to the
      // run.
      await this.transitions.move(tx, run, { to: 'failed', ...changes });
      return;
    }
    const next = run.state === 'pausing' ? 'paused' : 'recovering';
    await this.transitions.move(tx, run, { to: next, ...changes, fence: run.fence + 1 });
  }

  /** When a run with these attempts may be tried again; null means at once. */
  private async retryTime(tx: Transaction, ended: readonly AttemptRecord[]): Promise<Date | null> {
    const waitMs = retryWaitMs(
      ended.map(({ failure, createdAt, finishedAt }): EndedAttempt => ({
        failure: failure?.class,
        lastedMs: (finishedAt ?? createdAt).getTime() - createdAt.getTime(),
      })),
    );
    return waitMs === 0 ? null : this.time.after(waitMs, tx);
  }

  /** Whether nothing is left to train, so that only the report of the end was lost. */
  private async isTrained(tx: Transaction, run: RunRecord, { plan }: AttemptRecord): Promise<boolean> {
    if (run.step < plan.lastStep || !canTransition(run.state, 'succeeded')) return false;
    return this.checkpoints.isDurable(tx, run.id, plan.lastStep);
  }

  /** Ends the attempt, and with it the run, if every rank has finished and the last step's checkpoint is durable. */
  async succeedIfComplete(tx: Transaction, { run, attempt, actor }: Ending): Promise<boolean> {
    if (!everyRank(attempt, ({ state }) => state === 'finished')) return false;
    if (!(await this.checkpoints.isDurable(tx, run.id, attempt.plan.lastStep))) return false;
    await this.end(tx, attempt, { actor, state: 'finished' });
    await this.leases.releaseAll(tx, attempt);
    await this.transitions.move(tx, run, { to: 'succeeded', actor, reason: null });
    return true;
  }

  /**
   * Ends the attempt if every rank stopped at the same boundary and the checkpoint there is durable. The run is then
   * paused or, if no user asked for the stop (because an agent drains), placed anew without using up a retry.
   */
  async pauseIfComplete(tx: Transaction, { run, attempt, actor }: Ending): Promise<boolean> {
    const step = Object.values(attempt.ranks)[0]?.step ?? 0;
    if (!everyRank(attempt, (rank) => rank.state === 'paused' && rank.step === step)) return false;
    if (!(await this.checkpoints.isDurable(tx, run.id, step))) return false;
    await this.leases.releaseAll(tx, attempt);
    if (run.state === 'pausing') {
      await this.end(tx, attempt, { actor, state: 'paused' });
      const reason = { code: 'RUN.PAUSED', message: `paused after step ${step}; resume goes on with step ${step + 1}` };
      await this.transitions.move(tx, run, { to: 'paused', actor, reason });
      return true;
    }
    if (attempt.comparison?.told.replan === true) return this.replan(tx, { run, attempt, actor }, step);
    const message = `left its devices after step ${step}, because one of them drains`;
    await this.end(tx, attempt, {
      actor,
      state: 'paused',
      failure: { class: 'preempted', code: 'ATTEMPT.DRAINED', message },
    });
    const reason = { code: 'ATTEMPT.DRAINED', message };
    await this.transitions.move(tx, run, { to: 'recovering', actor, reason, fence: run.fence + 1 });
    return true;
  }

  /** The plan was clearly wrong, which is no failure: the run continues from this checkpoint with a better plan. */
  private async replan(tx: Transaction, { run, attempt, actor }: Ending, step: number): Promise<boolean> {
    await this.end(tx, attempt, { actor, state: 'paused' });
    const { layersPerStage, better, gain, predictedStepTimeMs, measuredStepTimeMs, simulatedStepTimeMs } =
      attempt.comparison!.told;
    const message =
      `planned anew after step ${step}: layers ${layersPerStage.join(', ')} take ${simulatedStepTimeMs.toFixed(1)} ms ` +
      `as measured, ${better.layersPerStage.join(', ')} should take ${better.stepTimeMs.toFixed(1)} ms`;
    await this.events.append(tx, {
      type: 'run.replanned',
      runId: run.id,
      subject: attempt.id,
      actor,
      data: {
        ...{ fence: attempt.fence, step, gain, layersPerStage: { from: layersPerStage, to: better.layersPerStage } },
        ...{ predictedStepTimeMs, measuredStepTimeMs, simulatedStepTimeMs, betterStepTimeMs: better.stepTimeMs },
      },
    });
    const reason = { code: 'ATTEMPT.REPLANNED', message };
    await this.transitions.move(tx, run, { to: 'recovering', actor, reason, fence: run.fence + 1 });
    return true;
  }

  /** Stops the attempt for good; its leases end when the agents confirm the stop. */
  async cancel(tx: Transaction, attempt: AttemptRecord, actor: string): Promise<void> {
    await this.end(tx, attempt, { actor, state: 'cancelled' });
  }

  /**
   * Frees one device of an attempt that is over. When the last one is free, a run that was being stopped has stopped.
   */
  async release(tx: Transaction, run: RunRecord, lease: { agentId: string; fence: number }): Promise<boolean> {
    const fenced = { runId: run.id, fence: lease.fence };
    if (!(await this.leases.release(tx, lease.agentId, fenced))) return false;
    const left = await this.leases.ofRun(tx, run.id);
    if (run.state === 'stopping' && left.length === 0) {
      await this.transitions.move(tx, run, {
        to: run.stopping === 'fail' ? 'failed' : 'cancelled',
        actor: 'system',
      });
    }
    return true;
  }

  private async end(tx: Transaction, attempt: AttemptRecord, { actor, ...changes }: EndChanges): Promise<void> {
    await this.attempts.update(tx, attempt, { ...changes, finishedAt: await this.time.now(tx) });
    await this.events.append(tx, {
      type: 'run.attempt',
      runId: attempt.runId,
      subject: attempt.id,
      actor,
      data: { fence: attempt.fence, state: changes.state, failure: changes.failure ? { ...changes.failure } : null },
    });
  }
}

/** What the run's next plan assumes if the device did not hold what this plan gave it. */
function limitText({ class: failureClass, culprit }: Failure, { plan }: AttemptRecord): string | undefined {
  const bytes = culprit && plan.predicted.rankBytes?.[culprit.rank];
  if (failureClass !== 'out_of_memory' || bytes === undefined) return undefined;
  const held = bytesText(heldMemoryBytes(bytes));
  return `; the plan gave ${culprit?.agent} ${bytesText(bytes)}, and the next one gives it ${held} at most`;
}
