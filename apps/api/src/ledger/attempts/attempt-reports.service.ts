import { Inject, Injectable } from '@nestjs/common';
import { type agentV1, type Failure, START_PHASES, type StartPhase } from '@millrace/contracts';
import { type Logger, FAILURE_CLASSES } from '@millrace/core';
import { AgentsRepository } from '../agents/agents.repository';
import { LOGGER } from '../../ground/config/api-logger';
import type { Transaction } from '../../ground/database/prisma.service';
import { type FencedAttempt, type LockedAttempt, RunLedger } from '../runs/run-ledger';
import type { SessionIdentity } from '../sessions/agent-session';
import { AttemptProgressService } from './attempt-progress.service';
import { AttemptEndingsService } from './attempt-endings.service';
import { type AttemptRecord, isLive, rankOf, type RankStatus } from '../runs/attempt-record';
import { attemptReportInvalid } from './attempts.errors';
import { startPhaseOf } from './starting-ranks';
import { AttemptsRepository } from '../runs/attempts.repository';
import { EventsService } from '../../ground/events/events.service';

const REPORTED_STATES = ['starting', 'ready', 'running', 'finished', 'paused', 'stopped', 'failed'] as const;
type ReportedState = (typeof REPORTED_STATES)[number];
type Report = Pick<
  agentV1.AttemptReport,
  'runId' | 'fence' | 'step' | 'failureClass' | 'errorCode' | 'errorMessage' | 'culpritRank' | 'phase'
> & {
  readonly state: ReportedState;
};

/**
 * Handles what ranks report about their attempt. Reports are idempotent, because an agent may send its last one again
 * in a new session.
 */
@Injectable()
export class AttemptReportsService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
    private readonly events: EventsService,
    private readonly agents: AgentsRepository,
    private readonly progress: AttemptProgressService,
    private readonly endings: AttemptEndingsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Drops a report that comes under an old fence, from an old session or from an agent that is not in the attempt. */
  async report(session: SessionIdentity, given: agentV1.AttemptReport): Promise<void> {
    const report = parseReport(given);
    const taken = await this.ledger.change(async (tx) => {
      if (!(await this.agents.isCurrent(tx, session))) return false;
      const locked = await this.ledger.lock(tx, report);
      const rank = locked && rankOf(locked.attempt, session.agentId);
      if (!locked || rank === undefined) return false;
      await this.take(tx, { ...locked, rank, report, agentId: session.agentId });
      return true;
    });
    const { runId, fence, state, step } = report;
    this.logger.info({ agent: session.agentId, runId, fence, state, step, taken }, 'attempt report');
  }

  private async take(tx: Transaction, given: TakenReport): Promise<void> {
    const { run, rank, report, agentId } = given;
    const attempt = await this.noteRank(tx, given);
    if (!isLive(attempt.state) || run.fence !== attempt.fence) {
      // Of an attempt that is over only one thing still matters: that this device is free.
      if (['stopped', 'finished', 'paused', 'failed'].includes(report.state)) {
        await this.endings.release(tx, run, { agentId, fence: attempt.fence });
      }
      return;
    }
    const ending = { run, attempt, actor: agentId };
    switch (report.state) {
      case 'starting':
      case 'ready':
        return void (await this.progress.started(tx, ending));
      case 'running':
        return void (await this.progress.running(tx, ending));
      // The report that the rank runs may have been lost with a session.
      case 'finished':
        return void (await this.endings.succeedIfComplete(tx, {
          ...ending,
          run: await this.progress.running(tx, ending),
        }));
      case 'paused':
        return void (await this.endings.pauseIfComplete(tx, {
          ...ending,
          run: await this.progress.running(tx, ending),
        }));
      case 'failed':
      case 'stopped': {
        await this.endings.fail(tx, { ...ending, state: 'failed', failure: failureOf(report, attempt, rank) });
        // This agent has stopped already; the other agents are told to stop.
        const after = await this.ledger.lockRun(tx, run.id);
        if (after) await this.endings.release(tx, after, { agentId, fence: attempt.fence });
        return;
      }
      default:
        report.state satisfies never;
    }
  }

  private async noteRank(tx: Transaction, { attempt, rank, report, agentId }: TakenReport): Promise<AttemptRecord> {
    const before = attempt.ranks[rank];
    const told: RankStatus = { agent: agentId, state: report.state, step: Math.max(report.step, before?.step ?? 0) };
    const phase = startPhaseOf(report.state === 'starting' ? { ...told, ...phaseOf(report) } : told);
    const samePhase = phase === (before && startPhaseOf(before));
    if (before && before.state === told.state && before.step === told.step && samePhase) return attempt;
    const sinceMs = samePhase ? before?.phaseSinceMs : await this.attempts.nowMs(tx);
    const status = phase === undefined ? told : { ...told, phase, ...(sinceMs && { phaseSinceMs: sinceMs }) };
    const ranks = { ...attempt.ranks, [rank]: status };
    await this.attempts.update(tx, attempt, { ranks });
    if (phase !== undefined && !samePhase && isLive(attempt.state))
      await this.tellPhase(tx, { attempt, rank, agentId, phase });
    return { ...attempt, ranks };
  }

  /** Tells followers of the run what a rank that starts is doing now. */
  private async tellPhase(tx: Transaction, { attempt, rank, agentId, phase }: ToldPhase): Promise<void> {
    await this.events.append(tx, {
      type: 'run.starting',
      runId: attempt.runId,
      subject: attempt.id,
      actor: agentId,
      data: { fence: attempt.fence, rank, agent: agentId, phase },
    });
  }

  /** The attempt cannot begin on this agent, whether the agent or the API says so. This ends the attempt. */
  async startFailed(
    session: SessionIdentity,
    { runId, fence }: FencedAttempt,
    why: Pick<agentV1.AttemptReport, 'failureClass' | 'errorCode' | 'errorMessage'>,
  ): Promise<void> {
    await this.report(session, { runId, fence, state: 'failed', step: 0, culpritRank: -1, phase: '', ...why });
  }

  /** The agent accepted a command or refused it. A refused start ends the attempt. */
  async commandAnswered(
    session: SessionIdentity,
    command: FencedAttempt,
    result: agentV1.CommandResult,
  ): Promise<void> {
    if (!result.ok) {
      return this.startFailed(session, command, {
        failureClass: 'internal',
        errorCode: result.errorCode || 'ATTEMPT.REFUSED',
        errorMessage: result.errorMessage || 'the agent refused the attempt',
      });
    }
    await this.ledger.changeQuietly(async (tx) => {
      const locked = await this.ledger.lock(tx, command);
      const rank = locked && rankOf(locked.attempt, session.agentId);
      if (locked && rank !== undefined) await this.attempts.accept(tx, locked.attempt, rank);
    });
  }

  /** The agent confirmed that it has stopped the attempt. */
  async stopConfirmed(session: SessionIdentity, command: FencedAttempt): Promise<void> {
    await this.ledger.change(async (tx) => {
      const locked = await this.ledger.lock(tx, command);
      if (!locked || isLive(locked.attempt.state)) return;
      await this.endings.release(tx, locked.run, { agentId: session.agentId, fence: command.fence });
    });
  }
}

interface TakenReport extends LockedAttempt {
  readonly rank: number;
  readonly report: Report;
  readonly agentId: string;
}

interface ToldPhase {
  readonly attempt: AttemptRecord;
  readonly rank: number;
  readonly agentId: string;
  readonly phase: StartPhase;
}

/** An agent of another version may report phases that are unknown here: only the start itself is taken from them. */
function phaseOf({ phase }: Report): { readonly phase?: StartPhase } {
  const known = START_PHASES.find((each) => each === phase);
  return known === undefined ? {} : { phase: known };
}

/** @throws AppError ATTEMPT.REPORT_INVALID */
function parseReport(report: agentV1.AttemptReport): Report {
  const state = REPORTED_STATES.find((each) => each === report.state);
  if (state === undefined) throw attemptReportInvalid(report.state);
  return { ...report, state };
}

function failureOf(report: Report, attempt: AttemptRecord, rank: number): Failure {
  const blamed = report.culpritRank >= 0 && attempt.ranks[report.culpritRank] ? report.culpritRank : rank;
  const culprit = { rank: blamed, agent: attempt.ranks[blamed]?.agent ?? '' };
  if (report.state === 'stopped') {
    // If an operator stops an agent in an orderly way, that is not the run's failure.
    const message = `${culprit.agent} (rank ${blamed}) left the attempt after step ${report.step}`;
    return { class: 'preempted', code: 'ATTEMPT.AGENT_LEFT', message, culprit };
  }
  return {
    class: FAILURE_CLASSES.find((each) => each === report.failureClass) ?? 'internal',
    code: report.errorCode || 'ATTEMPT.FAILED',
    message: report.errorMessage || `rank ${rank} failed without saying why`,
    culprit,
  };
}
