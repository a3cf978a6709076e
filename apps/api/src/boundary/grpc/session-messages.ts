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

/** Turns the messages of a session into what is sent: long messages travel in parts, if the agent accepts parts. */
export class SessionMessages {
  /** Set by what the agent said when it registered. */
  agentTakesParts = false;
  private readonly joiner = new PartJoiner();

  /** The messages to write for `body`; an error if it is longer than what the agent accepts. */
  toWrite(body: ApiMessageBody): agentV1.ApiMessage[] | AppError {
    const encoded = agentV1.ApiMessage.encode({ body }).finish();
    if (encoded.length <= PART_BYTES) return [{ body }];
    const bytesMax = messageBytesMax(this.agentTakesParts);
    if (encoded.length > bytesMax) return messageTooLarge(`the message "${body.$case}"`, encoded.length, bytesMax);
    if (!this.agentTakesParts) return [{ body }];
    return messageParts(encoded).map((value) => ({ body: { $case: 'part', value } }));
  }

  /**
   * Returns the message that this part completes; undefined while parts are missing, and for a kind that this version
   * does not know: a newer agent sent it, and it is ignored, as protocol buffers intend. @throws AppError
   * SESSION.PART_INVALID
   */
  received({ body }: agentV1.AgentMessage): AgentMessageBody | undefined {
    if (body?.$case !== 'part') return body;
    const encoded = this.joiner.add(body.value);
    if (encoded === undefined) return undefined;
    const joined = agentV1.AgentMessage.decode(encoded).body;
    return joined?.$case === 'part' ? undefined : joined;
  }
}
