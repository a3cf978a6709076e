import type { AgentMessageBody } from '@millrace/contracts';
import { Injectable } from '@nestjs/common';
import { isUnreachable } from '../../ground/database/prisma-failures';
import { GenerationTasks } from '../../ledger/agents/generation-tasks';
import { AttemptReportsService } from '../../ledger/attempts/attempt-reports.service';
import { LeaseTerm } from '../../ledger/attempts/lease-term';
import { StageWaitsService } from '../../ledger/attempts/stage-waits.service';
import { CheckpointReportsService } from '../../ledger/checkpoint-keeping/checkpoint-reports.service';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import { registerFirst } from '../../ledger/sessions/sessions.errors';
import { TelemetryService } from '../../ledger/telemetry/telemetry.service';
import { ProfileRequestsService } from '../../planning/profiling/profile-requests.service';
import { StartMeasurementsService } from '../../planning/profiling/start-measurements.service';
import { CommandOutcomesService } from './command-outcomes.service';
import { HeartbeatsService } from './heartbeats.service';
import { MessageAdmissionService } from './message-admission.service';
import { MetricsAndLogsService } from './metrics-and-logs.service';
import { TraceIntakeService } from './trace-intake.service';

/** Every message that an agent can send in its session, who takes it, and what is acknowledged. */
@Injectable()
export class SessionMessagesService {
  constructor(
    private readonly admission: MessageAdmissionService,
    private readonly heartbeats: HeartbeatsService,
    private readonly commands: CommandOutcomesService,
    private readonly metricsAndLogs: MetricsAndLogsService,
    private readonly attempts: AttemptReportsService,
    private readonly waits: StageWaitsService,
    private readonly checkpoints: CheckpointReportsService,
    private readonly generations: GenerationTasks,
    private readonly traces: TraceIntakeService,
    private readonly profiles: ProfileRequestsService,
    private readonly measurements: StartMeasurementsService,
    private readonly telemetry: TelemetryService,
    private readonly term: LeaseTerm,
  ) {}

  /**
   * Resolves when the message is handled. A message that is not valid is logged, dropped and nevertheless acknowledged,
   * so that it does not come again for ever. @throws every error that must end the session
   */
  async receive(session: AgentSession, message: AgentMessageBody): Promise<void> {
    try {
      await this.handle(session, await this.admission.admit(session, message));
    } catch (error) {
      // This ends the session, and no heartbeat comes until there is another one.
      if (isUnreachable(error)) this.term.restart('the database failed');
      this.admission.dropped(session, message, error);
    }
    acknowledge(session, message);
  }

  private async handle(session: AgentSession, message: AgentMessageBody): Promise<void> {
    switch (message.$case) {
      case 'register':
        throw registerFirst();
      case 'heartbeat':
        return this.heartbeats.beat(session, message.value);
      case 'commandResult':
        return this.commands.result(session, message.value);
      case 'metrics':
        return this.metricsAndLogs.storeMetrics(session, message.value);
      case 'logs':
        return this.metricsAndLogs.storeLogs(session, message.value);
      case 'attempt':
        return this.attempts.report(session, message.value);
      case 'stageWaiting':
        return this.waits.report(session, message.value);
      case 'checkpoint':
        return this.checkpoints.report(session, message.value);
      case 'generateOutput':
        return this.generations.output(session.agentId, message.value);
      case 'trace':
        return this.traces.add(message.value);
      case 'layerProfile':
        return this.profiles.answered(session, message.value);
      case 'linkMeasured':
        return this.measurements.link(session, message.value);
      case 'kernelChoices':
        return this.measurements.kernelChoices(session, message.value);
      case 'telemetry':
        return this.telemetry.store(session.agentId, message.value);
      default:
        message satisfies never;
    }
  }
}

/** Acknowledges only what is in the database, or what was dropped for good; 0 says nothing about a kind. */
function acknowledge(session: AgentSession, message: AgentMessageBody): void {
  const ack = { metrics: 0, logs: 0, checkpoints: 0 };
  if (message.$case === 'metrics') ack.metrics = message.value.sequence;
  else if (message.$case === 'logs') ack.logs = message.value.sequence;
  else if (message.$case === 'checkpoint') ack.checkpoints = message.value.sequence;
  else return;
  session.send({ $case: 'ack', value: ack });
}
