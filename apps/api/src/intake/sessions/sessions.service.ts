import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { AgentPresenceService, type PresentAgent } from '../../ledger/agents/agent-presence.service';
import { AttemptReattachService } from '../../ledger/attempts/attempt-reattach.service';
import { ClusterSignals } from '../../ground/events/cluster-signals';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentTransport } from '../../ledger/sessions/agent-transport';
import { SessionRegistrationService } from './session-registration.service';
import { SessionRegistry } from '../../ledger/sessions/session-registry';
import { ApiConfig } from '../../ground/config/api-config';
import { LOGGER } from '../../ground/config/api-logger';
import type { Logger } from '@millrace/core';

/** Begins and ends sessions. */
@Injectable()
export class SessionsService {
  private readonly closing = new Set<Promise<void>>();

  constructor(
    private readonly registration: SessionRegistrationService,
    private readonly presence: AgentPresenceService,
    private readonly reattach: AttemptReattachService,
    private readonly registry: SessionRegistry,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The new session supersedes every older session of the agent. */
  async open(register: agentV1.Register, transport: AgentTransport): Promise<AgentSession> {
    const { agent, session, current } = await this.registration.register(register, transport);
    session.send({ $case: 'welcome', value: this.welcome(agent, current) });
    const { sharesDeviceWith, host, device } = agent;
    if (sharesDeviceWith.length > 0)
      this.logger.warn({ agent: agent.id, host, device, sharesDeviceWith }, 'two agents have the same GPU');
    // The session is added only now, so that no command is sent before the welcome.
    this.registry.add(session);
    this.logger.info({ agent: agent.id, epoch: agent.epoch, running: register.running.length }, 'agent connected');
    this.signals.commands();
    this.signals.schedule();
    return session;
  }

  /** Called when the connection is gone. The leases go on: the agent counts as lost only when they run out. */
  closed(session: AgentSession): Promise<void> {
    const closing = this.close(session).finally(() => this.closing.delete(closing));
    this.closing.add(closing);
    return closing;
  }

  /** Ends every session; resolves when that is in the database. */
  async endAll(): Promise<void> {
    this.registry.closeAll();
    await Promise.allSettled(this.closing);
  }

  private async close(session: AgentSession): Promise<void> {
    this.registry.remove(session);
    const gone = await this.presence.disconnected(session);
    if (gone) await this.reattach.gone(session);
    if (gone) this.logger.info({ agent: session.agentId, epoch: session.epoch }, 'agent disconnected');
  }

  private welcome(agent: PresentAgent, current: readonly agentV1.RunningAttempt[]): agentV1.Welcome {
    const { heartbeatMs, leaseMs, graceMs } = this.config;
    return {
      agentId: agent.id,
      epoch: agent.epoch,
      heartbeatIntervalMs: heartbeatMs,
      leaseMs,
      graceMs,
      metricsAcknowledged: Number(agent.metricsSeq),
      logsAcknowledged: Number(agent.logsSeq),
      current: [...current],
      takesParts: true,
      sharesDeviceWith: [...agent.sharesDeviceWith],
    };
  }
}
