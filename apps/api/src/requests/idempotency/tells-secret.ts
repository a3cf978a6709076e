import { SetMetadata } from '@nestjs/common';

export const TELLS_SECRET = Symbol('the answer has a secret');

/** Marks a route whose answer contains a secret: it is given once and never kept, also not for an Idempotency-Key. */
export function TellsSecret(): MethodDecorator {
  return SetMetadata(TELLS_SECRET, true);
}
