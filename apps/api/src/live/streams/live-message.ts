import type { StreamMessage } from '@millrace/contracts';

/** What is not kept as an event; whoever missed it reads the current state. */
export type LiveMessage = Pick<StreamMessage, 'type' | 'runId' | 'subject' | 'data'>;
