export const OUTGOING_MESSAGES_MAX = 1_000;

/** The part of a gRPC stream that writes. */
interface WritableCall<M> {
  write(message: M): boolean;
  on(event: 'drain' | 'close', listener: () => void): unknown;
}

/** A bounded queue of messages to one client, which are written as fast as the client takes them. */
export class OutgoingQueue<M> {
  private readonly waiting: M[] = [];
  private blocked = false;
  private whenEmpty: (() => void)[] = [];

  constructor(private readonly call: WritableCall<M>) {
    call.on('drain', () => {
      this.blocked = false;
      this.flush();
    });
    // The client is gone, so that nobody will take the messages.
    call.on('close', () => this.empty());
  }

  /** Returns false when there is not enough room, in which case none of the messages is added. */
  push(...messages: readonly M[]): boolean {
    if (this.waiting.length + messages.length > OUTGOING_MESSAGES_MAX) return false;
    this.waiting.push(...messages);
    this.flush();
    return true;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** Resolves when everything that was pushed is written, or the call is over. */
  drained(): Promise<void> {
    if (this.waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  private flush(): void {
    while (!this.blocked) {
      const message = this.waiting.shift();
      if (message === undefined) return this.empty();
      this.blocked = !this.call.write(message);
    }
  }

  private empty(): void {
    const resolves = this.whenEmpty;
    this.whenEmpty = [];
    for (const resolve of resolves) resolve();
  }
}
