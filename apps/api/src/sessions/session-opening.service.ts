import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import type { Clock, Logger } from '@millrace/core';
import { AgentsRepository } from '../agents/agents.repository';
import { AttemptReattachService } from '../attempts/attempt-reattach.service';
import { ApiConfig } from '../config/api-config';
import { CLOCK, LOGGER } from '../config/api-logger';
import { PrismaService } from '../database/prisma.service';
import { EventsService } from '../events/events.service';
import { ClusterSignals } from '../queue/cluster-signals';
import { AgentSession } from './agent-session';
import type { AgentTransport } from './agent-transport';
import { parseRegistration } from './registration';
import { RunningAttemptsService } from './running-attempts.service';
import { SessionRegistry } from './session-registry';

/** Begins and ends sessions. */
@Injectable()
export class SessionOpeningService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly agents: AgentsRepository,
    private readonly running: RunningAttemptsService,
    private readonly reattach: AttemptReattachService,
    private readonly registry: SessionRegistry,
    private readonly events: EventsService,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The new session supersedes every older one of the agent: from the commit on, only its messages act. */
  async open(register: agentV1.Register, transport: AgentTransport): Promise<AgentSession> {
    const registration = parseRegistration(register);
    const agent = await this.prisma.transaction(async (tx) => {
      const row = await this.agents.register(tx, registration, new Date(this.clock.now()));
      await this.events.append(tx, {
        type: 'agent.state', subject: row.id, actor: row.id, data: { state: row.draining ? 'draining' : 'connected', epoch: row.epoch },
      });
      return row;
    });
    const session = new AgentSession({ agentId: agent.id, epoch: agent.epoch }, transport);
    await this.reattach.registered(session, register.running);
    await this.running.renew(agent.id, register.running);
    session.send({
      $case: 'welcome',
      value: {
        agentId: agent.id, epoch: agent.epoch,
        heartbeatIntervalMs: this.config.heartbeatMs, leaseMs: this.config.leaseMs, graceMs: this.config.graceMs,
        metricsAcknowledged: Number(agent.metricsSeq), logsAcknowledged: Number(agent.logsSeq),
        current: await this.running.current(agent.id, register.running),
      },
    });
    // Only now, so that no command overtakes the welcome.
    this.registry.add(session);
    this.logger.info({ agent: agent.id, epoch: agent.epoch, running: register.running.length }, 'agent connected');
    this.signals.commands();
    this.signals.schedule();
    return session;
  }

  /** The connection is gone. Leases go on: only when they run out is the agent lost. */
  async closed(session: AgentSession): Promise<void> {
    this.registry.remove(session);
    const changed = await this.prisma.transaction(async (tx) => {
      if (!(await this.agents.markDisconnected(tx, session.agentId, session.epoch))) return false;
      await this.events.append(tx, {
        type: 'agent.state', subject: session.agentId, actor: session.agentId, data: { state: 'disconnected', epoch: session.epoch },
      });
      return true;
    });
    if (changed) this.logger.info({ agent: session.agentId, epoch: session.epoch }, 'agent disconnected');
  }
}
