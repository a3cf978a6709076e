import type { ApiMessageBody } from '@millrace/contracts';
import type { AppError } from '@millrace/core';

/** The API's end of one agent's session, whatever carries it. */
export interface AgentTransport {
  /**
   * Queues a message. A queue that is full closes the session: the agent dials again and is told what it still needs.
   * Gives why the message can never be sent to this agent, for its length.
   */
  send(body: ApiMessageBody): AppError | undefined;
  /** Whether what was sent before is still on its way into the connection. */
  isBusy(): boolean;
  /** Ends the session; nothing more is received or sent. */
  close(reason: AppError): void;
}
