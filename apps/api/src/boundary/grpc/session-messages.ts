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

/** Messages of a session as they travel: long ones in parts, where the agent takes parts. */
export class SessionMessages {
  /** What the agent said of itself when it registered. */
  agentTakesParts = false;
  private readonly joiner = new PartJoiner();

  /** What to write for a message; an error when the agent takes none of its length. */
  toWrite(body: ApiMessageBody): agentV1.ApiMessage[] | AppError {
    const encoded = agentV1.ApiMessage.encode({ body }).finish();
    if (encoded.length <= PART_BYTES) return [{ body }];
    const bytesMax = messageBytesMax(this.agentTakesParts);
    if (encoded.length > bytesMax) return messageTooLarge(`the message "${body.$case}"`, encoded.length, bytesMax);
    if (!this.agentTakesParts) return [{ body }];
    return messageParts(encoded).map((value) => ({ body: { $case: 'part', value } }));
  }

  /**
   * The message that is complete with this one; undefined while parts are missing, and for a kind that this version
   * does not know: it is of a newer agent, and ignored, as protocol buffers are meant to be. @throws AppError
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
