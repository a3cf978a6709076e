import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { AgentPresenceService, type PresentAgent } from '../../ledger/agents/agent-presence.service';
import { AttemptReattachService } from '../../ledger/attempts/attempt-reattach.service';
import { LeaseTerm } from '../../ledger/attempts/lease-term';
import { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentTransport } from '../../ledger/sessions/agent-transport';
import { parseRegistration } from './registration';
import { RunningAttemptsService } from './running-attempts.service';

export interface RegisteredSession {
  readonly agent: PresentAgent;
  readonly session: AgentSession;
  /** The fences in force for what the agent runs. */
  readonly current: readonly agentV1.RunningAttempt[];
}

/** What is stored when an agent registers: that it is connected, and that its leases go on. */
@Injectable()
export class SessionRegistrationService {
  constructor(
    private readonly presence: AgentPresenceService,
    private readonly reattach: AttemptReattachService,
    private readonly running: RunningAttemptsService,
    private readonly term: LeaseTerm,
  ) {}

  /** Until the database has stored it, the agent's leases are not renewed. */
  register(register: agentV1.Register, transport: AgentTransport): Promise<RegisteredSession> {
    return this.term.watch(async () => {
      const agent = await this.presence.connected(parseRegistration(register));
      const session = new AgentSession({ agentId: agent.id, epoch: agent.epoch }, transport);
      await this.reattach.registered(session, register.running);
      await this.running.renew(agent.id, register.running);
      return { agent, session, current: await this.running.current(agent.id, register.running) };
    });
  }
}
