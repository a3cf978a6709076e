import type { RunSpan } from './run-spans';

/** Where finished spans go. */
export interface SpanSink {
  add(span: RunSpan): void;
  /** Resolves when what was added has been sent, or cannot be sent. */
  close(): Promise<void>;
}
