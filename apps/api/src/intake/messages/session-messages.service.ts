import { Inject, Injectable } from '@nestjs/common';
import { AppError, describeError, type Logger } from '@millrace/core';
import { AttemptReportsService } from '../../ledger/attempts/attempt-reports.service';
import { CheckpointReportsService } from '../../ledger/checkpointing/checkpoint-reports.service';
import { LOGGER } from '../../ground/config/api-logger';
import { PlannerReportsService } from './planner-reports.service';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentBody } from '../../ledger/sessions/agent-transport';
import { CommandOutcomesService } from './command-outcomes.service';
import { HeartbeatsService } from './heartbeats.service';
import { registerFirst } from '../../ledger/sessions/sessions.errors';
import { TelemetryIngestService } from './telemetry-ingest.service';

/** Every message that an agent can send, and who takes it. */
@Injectable()
export class SessionMessagesService {
  constructor(
    private readonly heartbeats: HeartbeatsService,
    private readonly telemetry: TelemetryIngestService,
    private readonly commands: CommandOutcomesService,
    private readonly attempts: AttemptReportsService,
    private readonly checkpoints: CheckpointReportsService,
    private readonly measured: PlannerReportsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Resolves when the message is dealt with. A message that makes no sense is logged, dropped and, so that it does not
   * come again for ever, acknowledged. @throws whatever means that the session must end
   */
  async receive(session: AgentSession, message: AgentBody): Promise<void> {
    try {
      await this.handle(session, message);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'invalid') throw error;
      this.logger.warn(
        { agent: session.agentId, message: message.$case, reason: describeError(error) },
        'message dropped',
      );
    }
    acknowledge(session, message);
  }

  private async handle(session: AgentSession, message: AgentBody): Promise<void> {
    switch (message.$case) {
      case 'register':
        throw registerFirst();
      case 'heartbeat':
        return this.heartbeats.beat(session, message.value);
      case 'commandResult':
        return this.commands.result(session, message.value);
      case 'metrics':
        return this.telemetry.storeMetrics(session, message.value);
      case 'logs':
        return this.telemetry.storeLogs(session, message.value);
      case 'attempt':
        return this.attempts.report(session, message.value);
      case 'checkpoint':
        return this.checkpoints.report(session, message.value);
      case 'generateOutput':
        return this.commands.generated(session, message.value);
      case 'trace':
        return this.measured.traced(message.value);
      case 'stageWaiting':
        return this.attempts.waiting(session, message.value);
      case 'layerProfile':
        return this.measured.layersMeasured(session, message.value);
      case 'linkMeasured':
        return this.measured.linkMeasured(session, message.value);
      case 'telemetry':
        return this.heartbeats.device(session, message.value);
      default:
        message satisfies never;
    }
  }
}

/** Only what is in the database, or void, is acknowledged; 0 says nothing about a kind. */
function acknowledge(session: AgentSession, message: AgentBody): void {
  const ack = { metrics: 0, logs: 0, checkpoints: 0 };
  if (message.$case === 'metrics') ack.metrics = message.value.sequence;
  else if (message.$case === 'logs') ack.logs = message.value.sequence;
  else if (message.$case === 'checkpoint') ack.checkpoints = message.value.sequence;
  else return;
  session.send({ $case: 'ack', value: ack });
}
