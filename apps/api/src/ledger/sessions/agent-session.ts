import type { ApiMessageBody } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import type { AgentTransport } from './agent-transport';

export interface SessionIdentity {
  readonly agentId: string;
  /** The agent's newest epoch when this session began; a larger one in the database voids this session. */
  readonly epoch: number;
}

/**
 * One live session. It remembers when each command was last sent, so that a command is sent again only when it is
 * overdue.
 */
export class AgentSession implements SessionIdentity {
  readonly agentId: string;
  readonly epoch: number;
  private readonly sentAtMs = new Map<string, number>();
  private closed = false;

  constructor(
    identity: SessionIdentity,
    private readonly transport: AgentTransport,
  ) {
    this.agentId = identity.agentId;
    this.epoch = identity.epoch;
  }

  /** Returns an error if the message can never be sent to this agent. */
  send(body: ApiMessageBody): AppError | undefined {
    return this.closed ? undefined : this.transport.send(body);
  }

  close(reason: AppError): void {
    if (this.closed) return;
    this.closed = true;
    this.transport.close(reason);
  }

  /**
   * Returns true when the command was not sent in this session within the last `againAfterMs`; from then on it counts
   * as sent. A long command that is still being sent is not sent again behind itself.
   */
  isDue(commandId: string, nowMs: number, againAfterMs: number): boolean {
    const sentAtMs = this.sentAtMs.get(commandId);
    if (sentAtMs !== undefined && (nowMs - sentAtMs < againAfterMs || this.transport.isBusy())) return false;
    this.sentAtMs.set(commandId, nowMs);
    return true;
  }

  /** Forgets the commands that are not wanted any more. */
  keepOnly(commandIds: ReadonlySet<string>): void {
    for (const id of this.sentAtMs.keys()) if (!commandIds.has(id)) this.sentAtMs.delete(id);
  }
}
