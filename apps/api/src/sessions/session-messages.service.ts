import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { AppError, type Clock, describeError, type Logger } from '@millrace/core';
import { AgentsRepository } from '../agents/agents.repository';
import { AttemptReportsService } from '../attempts/attempt-reports.service';
import { BoundaryRequestsService } from '../attempts/boundary-requests.service';
import { CheckpointReportsService } from '../checkpointing/checkpoint-reports.service';
import { CLOCK, LOGGER } from '../config/api-logger';
import { GenerationTasks } from '../generate/generation-tasks';
import { TraceStore } from '../timeline/trace-store';
import type { AgentSession } from './agent-session';
import type { AgentBody } from './agent-transport';
import { parseCommandId } from './desired-commands';
import { RunningAttemptsService } from './running-attempts.service';
import { registerFirst, sessionSuperseded } from './sessions.errors';
import { TelemetryIngestService } from './telemetry-ingest.service';

/** Every message that an agent can send, and who takes it. */
@Injectable()
export class SessionMessagesService {
  constructor(
    private readonly agents: AgentsRepository,
    private readonly running: RunningAttemptsService,
    private readonly telemetry: TelemetryIngestService,
    private readonly reports: AttemptReportsService,
    private readonly boundaries: BoundaryRequestsService,
    private readonly checkpoints: CheckpointReportsService,
    private readonly generations: GenerationTasks,
    private readonly traces: TraceStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Resolves when the message is dealt with. A message that makes no sense is logged, dropped and, so that it does not come
   * again for ever, acknowledged. @throws whatever means that the session must end
   */
  async receive(session: AgentSession, message: AgentBody): Promise<void> {
    try {
      await this.handle(session, message);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'invalid') throw error;
      this.logger.warn({ agent: session.agentId, message: message.$case, reason: describeError(error) }, 'message dropped');
    }
    this.acknowledge(session, message);
  }

  private async handle(session: AgentSession, message: AgentBody): Promise<void> {
    switch (message.$case) {
      case 'register':
        throw registerFirst();
      case 'heartbeat':
        return this.heartbeat(session, message.value);
      case 'commandResult':
        return this.commandResult(session, message.value);
      case 'metrics':
        return this.telemetry.storeMetrics(session, message.value);
      case 'logs':
        return this.telemetry.storeLogs(session, message.value);
      case 'attempt':
        return this.reports.report(session, message.value);
      case 'checkpoint':
        return this.checkpoints.report(session, message.value);
      case 'generateOutput':
        return this.generations.output(session.agentId, message.value);
      case 'trace':
        return this.traces.add(message.value);
      default:
        message satisfies never;
    }
  }

  /** Only what is in the database, or void, is acknowledged; 0 says nothing about a kind. */
  private acknowledge(session: AgentSession, message: AgentBody): void {
    const ack = { metrics: 0, logs: 0, checkpoints: 0 };
    if (message.$case === 'metrics') ack.metrics = message.value.sequence;
    else if (message.$case === 'logs') ack.logs = message.value.sequence;
    else if (message.$case === 'checkpoint') ack.checkpoints = message.value.sequence;
    else return;
    session.send({ $case: 'ack', value: ack });
  }

  private async heartbeat(session: AgentSession, { sequence, running }: agentV1.Heartbeat): Promise<void> {
    const { agentId, epoch } = session;
    if (!(await this.agents.markSeen(agentId, epoch, new Date(this.clock.now())))) throw sessionSuperseded(agentId, epoch);
    await this.running.renew(agentId, running);
    session.send({ $case: 'heartbeatAck', value: { sequence, current: await this.running.current(agentId, running) } });
  }

  private async commandResult(session: AgentSession, result: agentV1.CommandResult): Promise<void> {
    if (!result.ok) {
      const { commandId, errorCode, errorMessage } = result;
      this.logger.warn({ agent: session.agentId, commandId, errorCode, errorMessage }, 'command refused');
    }
    const target = parseCommandId(result.commandId);
    if (target === undefined) return this.generations.commandAnswered(session.agentId, result);
    switch (target.kind) {
      case 'start':
        return this.reports.commandAnswered(session, target, result);
      case 'stop':
        // An agent that does not know the attempt does not run it either.
        return this.reports.stopConfirmed(session, target);
      case 'boundary':
        return result.ok ? this.boundaries.acknowledged(target.runId, target.fence, target.sequence) : undefined;
      default:
        target satisfies never;
    }
  }
}
