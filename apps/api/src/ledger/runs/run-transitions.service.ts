import { Injectable } from '@nestjs/common';
import { isFinal, type RunState } from '@millrace/core';
import { DatabaseClock } from '../../ground/database/database-clock';
import type { Transaction } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';
import { RunTracingService } from '../../ground/tracing/run-tracing.service';
import type { RunRecord } from './run-record';
import { type RunChanges, RunsRepository } from './runs.repository';

export interface Transition extends RunChanges {
  readonly to: RunState;
  /** A token's id, an agent's id or `system`. */
  readonly actor: string;
  /** What somebody asked for that led to this change; the audit shows it. */
  readonly action?: string;
}

/** Every change of a run's state: the guarded update and its event, in the caller's transaction. */
@Injectable()
export class RunTransitionsService {
  constructor(
    private readonly runs: RunsRepository,
    private readonly events: EventsService,
    private readonly prometheus: PrometheusService,
    private readonly tracing: RunTracingService,
    private readonly time: DatabaseClock,
  ) {}

  /** Returns the changed run, or undefined when somebody else was first and nothing was changed. */
  async move(
    tx: Transaction,
    run: RunRecord,
    { to, actor, action, ...changes }: Transition,
  ): Promise<RunRecord | undefined> {
    const all: RunChanges & { to: RunState } = {
      to,
      ...changes,
      ...(isFinal(to) ? { finishedAt: await this.time.now(tx) } : {}),
      ...(to === 'starting' && run.startedAt === null ? { startedAt: await this.time.now(tx) } : {}),
    };
    if (!(await this.runs.transition(tx, run, all))) return undefined;
    // If the transaction fails after this, which is rare, its repetition counts once more.
    if (to === 'recovering') this.prometheus.admission.wasEvicted(changes.reason?.code ?? 'UNKNOWN');
    if (isFinal(to)) this.tracing.ending(run.id);
    const reason = changes.reason === undefined ? run.reason : changes.reason;
    const fence = changes.fence ?? run.fence;
    await this.events.append(tx, {
      type: 'run.state',
      runId: run.id,
      subject: run.id,
      actor,
      ...(action === undefined ? {} : { action }),
      data: {
        from: run.state,
        state: to,
        fence,
        step: run.step,
        reason: reason && { code: reason.code, message: reason.message },
      },
    });
    return {
      ...run,
      state: to,
      fence,
      reason,
      stopping: changes.stopping === undefined ? run.stopping : (changes.stopping ?? undefined),
      failures: changes.failures ?? run.failures,
    };
  }
}
