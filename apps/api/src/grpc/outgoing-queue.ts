import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { agentV1 } from '@millrace/contracts';
import type { ApiBody } from '../sessions/agent-transport';

export const OUTGOING_MESSAGES_MAX = 1_000;

type Call = ServerDuplexStream<agentV1.AgentMessage, agentV1.ApiMessage>;

/** Messages to one agent, written as fast as it takes them and no faster; bounded. */
export class OutgoingQueue {
  private readonly waiting: ApiBody[] = [];
  private blocked = false;

  constructor(private readonly call: Call) {
    call.on('drain', () => {
      this.blocked = false;
      this.flush();
    });
  }

  /** False when the queue is full, and then the message is not in it. */
  push(body: ApiBody): boolean {
    if (this.waiting.length >= OUTGOING_MESSAGES_MAX) return false;
    this.waiting.push(body);
    this.flush();
    return true;
  }

  private flush(): void {
    while (!this.blocked) {
      const body = this.waiting.shift();
      if (body === undefined) return;
      this.blocked = !this.call.write({ body });
    }
  }
}
