import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { LeaseTerm } from '../../ledger/attempts/lease-term';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import { RunningAttemptsService } from '../sessions/running-attempts.service';
import { sessionSuperseded } from '../../ledger/sessions/sessions.errors';

/** Heartbeats renew leases, and are answered with the fences in force. */
@Injectable()
export class HeartbeatsService {
  constructor(
    private readonly agents: AgentsRepository,
    private readonly running: RunningAttemptsService,
    private readonly metrics: PrometheusService,
    private readonly term: LeaseTerm,
  ) {}

  /** @throws AppError SESSION.SUPERSEDED */
  async beat(session: AgentSession, { sequence, running, latenessMs }: agentV1.Heartbeat): Promise<void> {
    this.metrics.observeHeartbeat(latenessMs);
    const { agentId } = session;
    await this.term.watch(() => this.renew(session, running));
    session.send({ $case: 'heartbeatAck', value: { sequence, current: await this.running.current(agentId, running) } });
  }

  private async renew(session: AgentSession, running: readonly agentV1.RunningAttempt[]): Promise<void> {
    const { agentId, epoch } = session;
    if (!(await this.agents.markSeen(session))) throw sessionSuperseded(agentId, epoch);
    await this.running.renew(agentId, running);
  }
}
