import { Injectable } from '@nestjs/common';
import { AuditRepository } from '../audit/audit.repository';
import type { JsonInput, Transaction } from '../database/prisma.service';

export interface NewEvent {
  /** run.state, run.attempt, run.checkpoint, agent.state, dataset.created, … */
  readonly type: string;
  readonly runId?: string;
  /** Id of what changed. */
  readonly subject: string;
  /** Who did it: a token id, an agent id or `system`. */
  readonly actor: string;
  readonly data: JsonInput;
  /** What somebody asked for by this, for the audit: run.submit, agent.drain, …; not in the event. */
  readonly action?: string;
}

/** Writes events. They are delivered by EventFeed, which reads what is committed. */
@Injectable()
export class EventsService {
  constructor(private readonly audit: AuditRepository) {}

  /** In the transaction of the change itself: either both are there or neither. */
  async append(tx: Transaction, { action, ...event }: NewEvent): Promise<void> {
    await tx.event.create({ data: { ...event, runId: event.runId ?? null } });
    if (action === undefined) return;
    const { actor, subject, data } = event;
    await this.audit.append(tx, { actor, action, subject, data });
  }
}
