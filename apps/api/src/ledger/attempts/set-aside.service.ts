import { Injectable } from '@nestjs/common';
import type { Failure } from '@millrace/contracts';
import type { FailureClass } from '@millrace/core';
import type { Transaction } from '../../ground/database/prisma.service';
import { AgentsRepository } from '../agents/agents.repository';
import { RunLedger } from '../runs/run-ledger';
import { EventsService } from '../../ground/events/events.service';

/** An agent that caused this many failures within the window is set aside. */
const FAILURES_MAX = 3;
const WINDOW_MS = 30 * 60_000;
const SET_ASIDE_MS = 10 * 60_000;
/** Failures that a device, its driver or its host may have caused; other failures are due to the run or its plan. */
const CLASSES: readonly FailureClass[] = ['node_lost', 'timed_out', 'internal'];
/** Codes of the API's block store: no device is to blame if the store's disk is full. */
const OF_THE_STORE = /^(BLOB|CHECKPOINT)\./;

/**
 * An agent that causes one failure after the other uses up the retries of every run that it is given. It is set aside:
 * it gets no attempts for a while, or until somebody takes it back.
 */
@Injectable()
export class SetAsideService {
  constructor(
    private readonly agents: AgentsRepository,
    private readonly ledger: RunLedger,
    private readonly events: EventsService,
  ) {}

  /** Called in the transaction that ended an attempt with `failure`. */
  async consider(tx: Transaction, { class: failureClass, code, message, culprit }: Failure): Promise<void> {
    if (!culprit?.agent || !CLASSES.includes(failureClass) || OF_THE_STORE.test(code)) return;
    const { agent } = culprit;
    const reason =
      `${FAILURES_MAX} attempts failed because of it within ${WINDOW_MS / 60_000} minutes, the last one because ` +
      `${message}; \`millrace undrain ${agent}\` takes it back at once`;
    const limits = { failuresMax: FAILURES_MAX, windowMs: WINDOW_MS, asideMs: SET_ASIDE_MS, classes: CLASSES };
    const until = await this.agents.setAside(tx, agent, { reason, ...limits });
    if (until === undefined) return;
    const data = { state: 'set-aside', until: until.toISOString(), reason };
    await this.events.append(tx, { type: 'agent.state', subject: agent, actor: 'system', data });
  }

  /** The agent gets attempts again from now on, and its failures until now do not count any more. */
  async takeBack(agentId: string, actor: string): Promise<void> {
    await this.ledger.change(async (tx) => {
      if (!(await this.agents.takeBack(tx, agentId))) return;
      const data = { state: 'taken-back' };
      const action = 'agent.undrain';
      await this.events.append(tx, { type: 'agent.state', subject: agentId, actor, action, data });
    });
  }
}
