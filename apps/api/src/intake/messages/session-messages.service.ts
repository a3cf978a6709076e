import { Injectable } from '@nestjs/common';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentMessageBody } from '../../ledger/sessions/agent-transport';
import { isUnreachable } from '../../ground/database/prisma-failures';
import { LeaseTerm } from '../../ledger/attempts/lease-term';
import { MessageAdmissionService } from './message-admission.service';
import { MessageRoutesService } from './message-routes.service';

/** Takes what an agent sends in its session, and acknowledges what is to be acknowledged. */
@Injectable()
export class SessionMessagesService {
  constructor(
    private readonly admission: MessageAdmissionService,
    private readonly routes: MessageRoutesService,
    private readonly term: LeaseTerm,
  ) {}

  /**
   * Resolves when the message is dealt with. A message that makes no sense is logged, dropped and, so that it does not
   * come again for ever, acknowledged. @throws whatever means that the session must end
   */
  async receive(session: AgentSession, message: AgentMessageBody): Promise<void> {
    try {
      await this.routes.handle(session, await this.admission.admit(session, message));
    } catch (error) {
      // The session ends with this, and until there is another one no heartbeat comes.
      if (isUnreachable(error)) this.term.restart('the database failed');
      this.admission.dropped(session, message, error);
    }
    acknowledge(session, message);
  }
}

/** Only what is in the database, or void, is acknowledged; 0 says nothing about a kind. */
function acknowledge(session: AgentSession, message: AgentMessageBody): void {
  const ack = { metrics: 0, logs: 0, checkpoints: 0 };
  if (message.$case === 'metrics') ack.metrics = message.value.sequence;
  else if (message.$case === 'logs') ack.logs = message.value.sequence;
  else if (message.$case === 'checkpoint') ack.checkpoints = message.value.sequence;
  else return;
  session.send({ $case: 'ack', value: ack });
}
