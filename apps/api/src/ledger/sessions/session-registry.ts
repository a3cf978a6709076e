import { Injectable } from '@nestjs/common';
import type { AgentSession } from './agent-session';
import { sessionEnding, sessionSuperseded } from './sessions.errors';

/** The live sessions that this replica holds, one per agent. */
@Injectable()
export class SessionRegistry {
  private readonly sessions = new Map<string, AgentSession>();
  private readonly onEnd = new Set<(agentId: string) => void>();

  /** The listener is called for every session that ends, even if the agent has a newer one already. */
  whenEnded(listener: (agentId: string) => void): void {
    this.onEnd.add(listener);
  }

  /** The session with the newest epoch stays: one that lost the race to a newer one is closed at once. */
  add(session: AgentSession): void {
    const current = this.sessions.get(session.agentId);
    if (current && current.epoch > session.epoch)
      return session.close(sessionSuperseded(session.agentId, session.epoch));
    this.sessions.set(session.agentId, session);
    current?.close(sessionSuperseded(current.agentId, current.epoch));
  }

  remove(session: AgentSession): void {
    if (this.sessions.get(session.agentId) === session) this.sessions.delete(session.agentId);
    for (const listener of this.onEnd) listener(session.agentId);
  }

  get(agentId: string): AgentSession | undefined {
    return this.sessions.get(agentId);
  }

  all(): AgentSession[] {
    return [...this.sessions.values()];
  }

  closeAll(): void {
    for (const session of this.all()) session.close(sessionEnding());
    this.sessions.clear();
  }
}
