import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import type { Logger } from '@millrace/core';
import { LOGGER } from '../../ground/config/api-logger';
import type { Transaction } from '../../ground/database/prisma.service';
import { RunLedger } from '../runs/run-ledger';
import type { SessionIdentity } from '../sessions/agent-session';
import { AttemptEndingsService } from './attempt-endings.service';
import { isLive, rankOf } from '../runs/attempt-record';
import { type LeaseRecord, LeasesRepository } from '../runs/leases.repository';
import type { RunReason, RunRecord } from '../runs/run-record';
import { RunsRepository } from '../runs/runs.repository';
import { AttemptsRepository } from '../runs/attempts.repository';
import { EventsService } from '../../ground/events/events.service';

/** Code of the reason of a running run one of whose agents has no session. */
const RANK_AWAY = 'RANK_AWAY';

interface LeaseTerm extends LeaseRecord {
  readonly expiresAt: Date;
}

/** Compares what an agent says it runs, when it opens a session, with what it was given. */
@Injectable()
export class AttemptReattachService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly leases: LeasesRepository,
    private readonly events: EventsService,
    private readonly endings: AttemptEndingsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Handles attempts that the agent was given. One that it had accepted and does not run any more died with the agent's
   * last process: it is lost at once, without waiting for the lease. One that it never accepted is sent again, and one
   * that is over is released.
   */
  async registered({ agentId }: SessionIdentity, running: readonly agentV1.RunningAttempt[]): Promise<void> {
    for (const lease of await this.leases.ofAgents([agentId])) {
      const runs = running.some(({ runId, fence }) => runId === lease.runId && fence === lease.fence);
      await this.ledger.change((tx) => (runs ? this.noteRunning(tx, lease) : this.notRunning(tx, lease)));
    }
  }

  /**
   * The agent's session has ended. The attempt may go on without one until the lease runs out, so that its state stays;
   * but the run's reason says why it may show nothing new.
   */
  async gone({ agentId }: SessionIdentity): Promise<void> {
    for (const lease of await this.leases.ofAgents([agentId])) {
      await this.ledger.changeQuietly((tx) => this.noteGone(tx, lease));
    }
  }

  private async noteGone(tx: Transaction, { agentId, runId, fence, rank, expiresAt }: LeaseTerm): Promise<void> {
    const locked = await this.ledger.lock(tx, { runId, fence });
    if (!locked || !isLive(locked.attempt.state) || locked.run.reason !== null) return;
    const message =
      `${agentId} (rank ${rank}) has no connection to the API; if it does not come back by ` +
      `${expiresAt.toISOString()}, the run goes on from its last checkpoint without it`;
    await this.tell(tx, locked.run, { code: RANK_AWAY, message });
  }

  private async noteBack(tx: Transaction, run: RunRecord, agentId: string): Promise<void> {
    const { reason } = run;
    if (reason?.code === RANK_AWAY && reason.message.startsWith(`${agentId} `)) await this.tell(tx, run, null);
  }

  /** Writes the reason into the run and into its events. */
  private async tell(tx: Transaction, run: RunRecord, reason: RunReason | null): Promise<void> {
    if (!(await this.runs.update(tx, run, { reason }))) return;
    const data = reason ?? { code: RANK_AWAY, message: 'the rank that was away is connected again' };
    await this.events.append(tx, {
      type: 'run.rank_away',
      runId: run.id,
      subject: run.id,
      actor: 'system',
      data: { code: data.code, message: data.message },
    });
  }

  private async notRunning(tx: Transaction, { agentId, runId, fence }: LeaseRecord): Promise<void> {
    const locked = await this.ledger.lock(tx, { runId, fence });
    if (!locked) return;
    const { run, attempt } = locked;
    if (!isLive(attempt.state)) return void (await this.endings.release(tx, run, { agentId, fence }));
    const rank = rankOf(attempt, agentId);
    const state = rank === undefined ? undefined : attempt.ranks[rank]?.state;
    // The rank's part is done: its last report counts, and the other ranks go on.
    if (rank === undefined || state === 'pending' || state === 'finished' || state === 'paused')
      return this.noteBack(tx, run, agentId);
    this.logger.warn({ agent: agentId, runId, fence, rank }, 'agent came back without its attempt');
    const message = `${agentId} (rank ${rank}) came back as a new process, without the attempt that it ran`;
    const failure = {
      class: 'node_lost' as const,
      code: 'ATTEMPT.AGENT_REPLACED',
      message,
      culprit: { rank, agent: agentId },
    };
    await this.endings.fail(tx, { run, attempt, actor: agentId, state: 'lost', failure });
    const after = await this.ledger.lockRun(tx, runId);
    if (after) await this.endings.release(tx, after, { agentId, fence });
  }

  /** The answer to the start command may have been lost with the last session. */
  private async noteRunning(tx: Transaction, lease: LeaseRecord): Promise<void> {
    const locked = await this.ledger.lock(tx, lease);
    const rank = locked && rankOf(locked.attempt, lease.agentId);
    if (!locked || rank === undefined) return;
    await this.attempts.accept(tx, locked.attempt, rank);
    await this.noteBack(tx, locked.run, lease.agentId);
  }
}
