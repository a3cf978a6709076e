import { assert } from '@millrace/core';
import type { RecordedRun } from './backend';

/** A recorded run, of which a device takes the commands once. */
export class RecordedOnce<Content> implements RecordedRun {
  private content: { readonly value: Content } | undefined;

  constructor(
    readonly name: string,
    value: Content,
  ) {
    this.content = { value };
  }

  /** What was recorded. Throws if it was taken before. */
  take(): Content {
    assert(this.content !== undefined, `the recorded run of ${this.name} was enqueued before; record it again`);
    const { value } = this.content;
    this.content = undefined;
    return value;
  }
}
