import {
  type AgentMessageBody,
  agentV1,
  type ApiMessageBody,
  messageBytesMax,
  messageParts,
  messageTooLarge,
  PART_BYTES,
  PartJoiner,
} from '@millrace/contracts';
import type { AppError } from '@millrace/core';

/** The part of a gRPC stream that writes. */
export interface WritableSession {
  write(message: agentV1.AgentMessage): boolean;
  on(event: 'drain', listener: () => void): unknown;
}

/** How many messages may wait for a connection that takes none; see `EXPENDABLE`. */
const WAITING_MAX = 1000;

/** Kinds that are of no use when they come late. All other kinds are bounded by those who send them. */
const EXPENDABLE: ReadonlySet<AgentMessageBody['$case']> = new Set([
  'trace',
  'telemetry',
  'stageWaiting',
  'linkMeasured',
]);

/**
 * Sends and receives the messages of a session: long ones in parts, no faster than the connection takes them. A
 * heartbeat goes before messages that wait, so that no lease runs out behind a long report.
 */
export class SessionStream {
  private readonly joiner = new PartJoiner();
  private readonly waiting: agentV1.AgentMessage[] = [];
  private blocked = false;
  private apiTakesParts = false;

  constructor(private readonly stream: WritableSession) {
    stream.on('drain', () => {
      this.blocked = false;
      this.flush();
    });
  }

  /** Returns an error if the message can never be sent to this API. */
  send(body: AgentMessageBody): AppError | undefined {
    if (body.$case === 'heartbeat') {
      this.stream.write({ body });
      return undefined;
    }
    if (EXPENDABLE.has(body.$case) && this.waiting.length >= WAITING_MAX) return undefined;
    const encoded = agentV1.AgentMessage.encode({ body }).finish();
    const bytesMax = messageBytesMax(this.apiTakesParts);
    if (encoded.length > bytesMax) return messageTooLarge(`the message "${body.$case}"`, encoded.length, bytesMax);
    if (encoded.length <= PART_BYTES || !this.apiTakesParts) this.waiting.push({ body });
    else this.waiting.push(...messageParts(encoded).map((value) => ({ body: { $case: 'part' as const, value } })));
    this.flush();
    return undefined;
  }

  /**
   * Returns the message that this part completes; undefined while parts are missing, and for a kind that this version
   * does not know, because the API is newer. @throws AppError SESSION.PART_INVALID
   */
  received({ body }: agentV1.ApiMessage): ApiMessageBody | undefined {
    if (body?.$case === 'welcome') this.apiTakesParts = body.value.takesParts;
    if (body?.$case !== 'part') return body;
    const encoded = this.joiner.add(body.value);
    if (encoded === undefined) return undefined;
    const joined = agentV1.ApiMessage.decode(encoded).body;
    return joined?.$case === 'part' ? undefined : joined;
  }

  private flush(): void {
    while (!this.blocked) {
      const message = this.waiting.shift();
      if (message === undefined) return;
      this.blocked = !this.stream.write(message);
    }
  }
}
