import { Inject, Injectable } from '@nestjs/common';
import { AppError, type Logger } from '@millrace/core';
import { LOGGER } from '../../../ground/config/api-logger';
import { describeFailure, isStatementTimeout, isUnreachable } from '../../../ground/database/prisma-failures';
import { AttemptReportsService } from '../../../ledger/attempts/attempt-reports.service';
import { attemptUnsendable } from '../../../ledger/attempts/attempts.errors';
import { isLive } from '../../../ledger/runs/attempt-record';
import type { LeaseRecord } from '../../../ledger/runs/leases.repository';
import type { AgentSession } from '../../../ledger/sessions/agent-session';
import { ResumeSourceService } from '../../../planning/scheduling/resume-source.service';
import { startCommand } from './desired-commands';
import { AttemptsRepository } from '../../../ledger/runs/attempts.repository';

/** Sends each rank its part of an attempt, with the manifest that it continues from. */
@Injectable()
export class AttemptStartsService {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly resumeSource: ResumeSourceService,
    private readonly reports: AttemptReportsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * It never rejects, so that a start that cannot be sent does not hold up the commands of others. While the database
   * is away, the next pass tries again; any other obstacle would be there again, and ends the attempt.
   */
  async send(session: AgentSession, commandId: string, lease: LeaseRecord): Promise<void> {
    const { runId, fence } = lease;
    const fields = { agent: session.agentId, runId, fence };
    try {
      const refusal = await this.start(session, commandId, lease);
      if (refusal !== undefined) await this.fail(session, lease, refusal);
    } catch (error) {
      const reason = describeFailure(error);
      if (isUnreachable(error) || isStatementTimeout(error)) {
        this.logger.warn({ ...fields, reason }, 'an attempt could not be sent; the next pass tries again');
        return;
      }
      await this.fail(session, lease, error).catch((failure: unknown) => {
        this.logger.warn({ ...fields, reason, failure: describeFailure(failure) }, 'an attempt could not be ended');
      });
    }
  }

  /** Returns an error if the start can never be sent. */
  private async start(session: AgentSession, commandId: string, lease: LeaseRecord): Promise<AppError | undefined> {
    const attempt = await this.attempts.find(undefined, lease);
    if (!attempt || !isLive(attempt.state)) return undefined;
    const resume = await this.resumeSource.load(attempt.plan, lease.rank);
    const credential = await this.attempts.credential(lease);
    return session.send(startCommand(commandId, attempt, { rank: lease.rank, resume, credential }));
  }

  private async fail(session: AgentSession, lease: LeaseRecord, error: unknown): Promise<void> {
    const { runId, fence } = lease;
    const reason = describeFailure(error);
    this.logger.error({ agent: session.agentId, runId, fence, reason }, 'an attempt cannot be sent to its agent');
    const { kind, code, message } =
      error instanceof AppError ? error : attemptUnsendable(session.agentId, { cause: error, reason });
    // Another attempt of the run would have the same length.
    const failureClass = kind === 'too_large' ? 'user_error' : 'internal';
    await this.reports.startFailed(session, lease, { failureClass, errorCode: code, errorMessage: message });
  }
}
