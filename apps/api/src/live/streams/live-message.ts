import type { StreamMessage } from '@millrace/contracts';

/** A message that is not stored as an event; a client that missed it reads the current state instead. */
export type LiveMessage = Pick<StreamMessage, 'type' | 'runId' | 'subject' | 'data'>;
