import { Injectable } from '@nestjs/common';
import { AttemptReportsService } from '../../ledger/attempts/attempt-reports.service';
import { CheckpointReportsService } from '../../ledger/checkpoint-keeping/checkpoint-reports.service';
import { PlannerReportsService } from './planner-reports.service';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentMessageBody } from '../../ledger/sessions/agent-transport';
import { CommandOutcomesService } from './command-outcomes.service';
import { HeartbeatsService } from './heartbeats.service';
import { registerFirst } from '../../ledger/sessions/sessions.errors';
import { MetricsAndLogsService } from './metrics-and-logs.service';

/** Every message that an agent can send, and who takes it. */
@Injectable()
export class MessageRoutesService {
  constructor(
    private readonly heartbeats: HeartbeatsService,
    private readonly telemetry: MetricsAndLogsService,
    private readonly commands: CommandOutcomesService,
    private readonly attempts: AttemptReportsService,
    private readonly checkpoints: CheckpointReportsService,
    private readonly measured: PlannerReportsService,
  ) {}

  async handle(session: AgentSession, message: AgentMessageBody): Promise<void> {
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
