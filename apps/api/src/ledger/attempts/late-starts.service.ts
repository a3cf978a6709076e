import { Inject, Injectable } from '@nestjs/common';
import { type Failure, type RunBody, START_PHASES, startDeadlineMs, startPhaseText } from '@millrace/contracts';
import type { Logger } from '@millrace/core';
import { LOGGER } from '../../ground/config/api-logger';
import type { Transaction } from '../../ground/database/prisma.service';
import { type AttemptRecord, isLive } from '../runs/attempt-record';
import { type FencedAttempt, RunLedger } from '../runs/run-ledger';
import { AttemptEndingsService } from './attempt-endings.service';
import { LeaseTerm } from './lease-term';
import { startingRanks } from './starting-ranks';
import { AttemptsRepository } from '../runs/attempts.repository';

type StartingRank = RunBody['starting'][number];

/**
 * Ends attempts of which some rank has not begun its first step by the deadline for the start. An agent renews its
 * lease while it starts, whatever it waits for, so that nothing else would end them.
 */
@Injectable()
export class LateStartsService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
    private readonly endings: AttemptEndingsService,
    private readonly term: LeaseTerm,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** As with leases, nothing is ended until this process has been able to receive reports for a full term. */
  async end(): Promise<void> {
    const late = await this.term.watch(() => this.attempts.startedLate());
    if (!this.term.hasPassed) return;
    for (const attempt of late) await this.term.watch(() => this.ledger.change((tx) => this.endLate(tx, attempt)));
  }

  private async endLate(tx: Transaction, fenced: FencedAttempt): Promise<void> {
    const locked = await this.ledger.lock(tx, fenced);
    if (!locked || !isLive(locked.attempt.state)) return;
    const ranks = startingRanks(locked.attempt, await this.attempts.nowMs(tx));
    const failure = startFailure(locked.attempt, ranks);
    // The last rank may have begun since the attempt was read.
    if (failure === undefined) return;
    this.logger.warn({ ...fenced, starting: ranks }, failure.message);
    await this.endings.fail(tx, { ...locked, actor: 'system', state: 'failed', failure });
  }
}

/** Blames the rank that is furthest behind; the message names all ranks that are late. */
function startFailure({ plan }: AttemptRecord, ranks: readonly StartingRank[]): Failure | undefined {
  const [last] = ranks.toSorted((a, b) => START_PHASES.indexOf(a.phase) - START_PHASES.indexOf(b.phase));
  if (last === undefined) return undefined;
  const told = ranks.map(
    ({ rank, agent, phase, seconds }) =>
      `rank ${rank} on ${agent} ${startPhaseText(phase)} (for ${seconds.toFixed(0)} s)`,
  );
  const seconds = ((plan.startDeadlineMs ?? startDeadlineMs()) / 1000).toFixed(0);
  return {
    class: 'timed_out',
    code: 'ATTEMPT.START_TIMED_OUT',
    message: `the attempt had ${seconds} s to start, and ${told.join(', ')}: look at the log of the agent that is furthest behind`,
    culprit: { rank: last.rank, agent: last.agent },
  };
}
