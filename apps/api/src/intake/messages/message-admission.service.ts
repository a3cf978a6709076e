import type { AgentMessageBody } from '@millrace/contracts';
import { Inject, Injectable } from '@nestjs/common';
import { AppError, type Logger } from '@millrace/core';
import { LOGGER } from '../../ground/config/api-logger';
import { describeFailure, isUnstorable } from '../../ground/database/prisma-failures';
import { assertWithinBounds, withPlainSentences } from './message-bounds';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import { notOfAttempt } from '../../ledger/attempts/attempts.errors';
import { AttemptRanksService } from '../../ledger/attempts/attempt-ranks.service';
import type { FencedAttempt } from '../../ledger/runs/run-ledger';
import type { SessionIdentity } from '../../ledger/sessions/agent-session';
import { sessionSuperseded } from '../../ledger/sessions/sessions.errors';
import { PrismaService } from '../../ground/database/prisma.service';
import { parseCommandId } from '../sessions/commands/desired-commands';

/** The attempt that a message is about and, if the message names one, the rank that it comes from. */
interface Claim extends FencedAttempt {
  readonly rank?: number;
}

/** Decides which messages of an agent are accepted, and what happens to the others. */
@Injectable()
export class MessageAdmissionService {
  constructor(
    private readonly ranks: AttemptRanksService,
    private readonly agents: AgentsRepository,
    private readonly prisma: PrismaService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Returns the message as it may be stored. @throws AppError SESSION.MESSAGE_INVALID, ATTEMPT.NOT_A_MEMBER,
   * SESSION.SUPERSEDED
   */
  async admit(session: SessionIdentity, message: AgentMessageBody): Promise<AgentMessageBody> {
    assertWithinBounds(message);
    await this.assertSpeaksFor(session, message);
    return withPlainSentences(message);
  }

  /** Logs why a message is dropped. @throws `error` if it is not a reason to drop the message */
  dropped({ agentId }: SessionIdentity, message: AgentMessageBody, error: unknown): void {
    // If the database refuses a value, it would refuse it again.
    if (!(error instanceof AppError && error.kind === 'invalid') && !isUnstorable(error)) throw error;
    this.logger.warn({ agent: agentId, message: message.$case, reason: describeFailure(error) }, 'message dropped');
  }

  /**
   * An agent may speak only for attempts in which it is a rank, only as that rank, and only in its newest session:
   * knowing a run's id and fence is not enough. The attempt need not be live, since its metrics may come after its end.
   */
  private async assertSpeaksFor(session: SessionIdentity, message: AgentMessageBody): Promise<void> {
    const claim = claimOf(message);
    if (claim === undefined) return;
    const { agentId, epoch } = session;
    const rank = await this.ranks.of(agentId, claim);
    if (rank === undefined || (claim.rank !== undefined && claim.rank !== rank))
      throw notOfAttempt(agentId, claim, rank);
    // For batches of metrics and logs, the transaction that stores them checks the epoch.
    if (message.$case === 'metrics' || message.$case === 'logs') return;
    if (!(await this.agents.isCurrent(this.prisma, session))) throw sessionSuperseded(agentId, epoch);
  }
}

function claimOf(message: AgentMessageBody): Claim | undefined {
  switch (message.$case) {
    case 'trace':
    case 'stageWaiting':
    case 'checkpoint':
      return { runId: message.value.runId, fence: message.value.fence, rank: message.value.rank };
    case 'metrics':
    case 'logs':
    case 'attempt':
    case 'linkMeasured':
    case 'kernelChoices':
      return { runId: message.value.runId, fence: message.value.fence };
    case 'commandResult': {
      const target = parseCommandId(message.value.commandId);
      if (target === undefined) return undefined;
      const { runId, fence } = target;
      // Only rank 0 is asked to act at a step boundary.
      return target.kind === 'boundary' ? { runId, fence, rank: 0 } : { runId, fence };
    }
    case 'register':
    case 'heartbeat':
    case 'generateOutput':
    case 'layerProfile':
    case 'telemetry':
      return undefined;
    default:
      return message satisfies never;
  }
}
