import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import type { Logger } from '@millrace/core';
import { LOGGER } from '../../ground/config/api-logger';
import type { Transaction } from '../../ground/database/prisma.service';
import { RunLedger } from '../runs/run-ledger';
import type { SessionIdentity } from '../sessions/agent-session';
import { AttemptEndingsService } from './attempt-endings.service';
import { isLive, rankOf } from '../runs/attempt-record';
import type { LeaseRecord } from '../runs/leases.repository';

/** Compares what an agent that opens a session says it runs with what it was given. */
@Injectable()
export class AttemptReattachService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly endings: AttemptEndingsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * An attempt that the agent had taken and does not run any more died with the agent's last process: it is lost at
   * once, without waiting for the lease. One that it never took is sent again; one that is over is released.
   */
  async registered({ agentId }: SessionIdentity, running: readonly agentV1.RunningAttempt[]): Promise<void> {
    for (const lease of await this.ledger.leases.ofAgents([agentId])) {
      const runs = running.some(({ runId, fence }) => runId === lease.runId && fence === lease.fence);
      await this.ledger.change((tx) => (runs ? this.noteRunning(tx, lease) : this.notRunning(tx, lease)));
    }
  }

  private async notRunning(tx: Transaction, { agentId, runId, fence }: LeaseRecord): Promise<void> {
    const locked = await this.ledger.lock(tx, { runId, fence });
    if (!locked) return;
    const { run, attempt } = locked;
    if (!isLive(attempt.state)) return void (await this.endings.release(tx, run, { agentId, fence }));
    const rank = rankOf(attempt, agentId);
    const state = rank === undefined ? undefined : attempt.ranks[rank]?.state;
    // Its part is done: what it reported last counts, and the others go on.
    if (rank === undefined || state === 'pending' || state === 'finished' || state === 'paused') return;
    this.logger.warn({ agent: agentId, runId, fence, rank }, 'agent came back without its attempt');
    const message = `${agentId} (rank ${rank}) came back as a new process, without the attempt that it ran`;
    const failure = {
      class: 'node_lost' as const,
      code: 'ATTEMPT.AGENT_REPLACED',
      message,
      culprit: { rank, agent: agentId },
    };
    await this.endings.fail(tx, { run, attempt, actor: agentId, state: 'lost', failure });
    const after = await this.ledger.runs.lock(tx, runId);
    if (after) await this.endings.release(tx, after, { agentId, fence });
  }

  /** The acknowledgement of the start may have been lost with the last session. */
  private async noteRunning(tx: Transaction, lease: LeaseRecord): Promise<void> {
    const locked = await this.ledger.lock(tx, lease);
    const rank = locked && rankOf(locked.attempt, lease.agentId);
    if (locked && rank !== undefined) await this.ledger.attempts.accept(tx, locked.attempt, rank);
  }
}
