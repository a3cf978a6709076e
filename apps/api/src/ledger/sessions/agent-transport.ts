import type { ApiMessageBody } from '@millrace/contracts';
import type { AppError } from '@millrace/core';

/** The API's end of one agent's session, whatever carries it. */
export interface AgentTransport {
  /**
   * Queues a message. If the queue is full, the session is closed: the agent connects again and is told what it still
   * needs. Returns an error if the message is too long to be ever sent to this agent.
   */
  send(body: ApiMessageBody): AppError | undefined;
  /** Whether messages sent before are still being written into the connection. */
  isBusy(): boolean;
  /** Ends the session; nothing more is received or sent. */
  close(reason: AppError): void;
}
