import { Injectable } from '@nestjs/common';
import { AuditRepository } from '../audit/audit.repository';
import type { JsonInput, Transaction } from '../database/prisma.service';

export interface NewEvent {
  /** For instance run.state, run.attempt, run.checkpoint, agent.state or dataset.created. */
  readonly type: string;
  readonly runId?: string;
  /** Id of what changed. */
  readonly subject: string;
  /** Who did it: a token's id, an agent's id or `system`. */
  readonly actor: string;
  readonly data: JsonInput;
  /**
   * What somebody asked for that led to this event (run.submit, agent.drain, …). It goes into the audit, not into the
   * event.
   */
  readonly action?: string;
}

/** Writes events. EventFeed delivers them once they are committed. */
@Injectable()
export class EventsService {
  constructor(private readonly audit: AuditRepository) {}

  /** Must run in the transaction of the change itself, so that both are stored or neither is. */
  async append(tx: Transaction, { action, ...event }: NewEvent): Promise<void> {
    await tx.event.create({ data: { ...event, runId: event.runId ?? null } });
    if (action === undefined) return;
    const { actor, subject, data } = event;
    await this.audit.append(tx, { actor, action, subject, data });
  }
}
