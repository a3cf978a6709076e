import type { AttemptLinks } from '../src/data-plane/attempt-links';
import type { TensorFrame, FrameKey } from '../src/data-plane/frame';
import type { DeliveredFrame } from '../src/data-plane/link/incoming-link';
import { Mailbox } from '../src/data-plane/mailbox';
import type { LastFrame, StageTransport } from '../src/data-plane/stage-transport';

/** The transport of an executor that runs on the thread of the sockets: links behind a mailbox. */
export class LinkTransport implements StageTransport {
  private readonly creditBytes = new Map<TensorFrame, number>();
  private readonly mailbox: Mailbox;
  private links: AttemptLinks | undefined;

  constructor(now: () => number) {
    this.mailbox = new Mailbox(now, (frame) => {
      this.links?.taken(frame.fromRank, this.creditBytes.get(frame) ?? 0);
      this.creditBytes.delete(frame);
    });
  }

  /** Before the first frame. */
  attach(links: AttemptLinks): void {
    this.links = links;
  }

  onFrame({ frame, creditBytes }: DeliveredFrame): void {
    this.creditBytes.set(frame, creditBytes);
    this.mailbox.put(frame);
  }

  send(toRank: number, frame: TensorFrame): Promise<void> {
    return this.links === undefined ? Promise.resolve() : this.links.send(toRank, frame);
  }

  receive(key: FrameKey): Promise<TensorFrame> {
    return this.mailbox.take(key);
  }

  release(frame: TensorFrame): void {
    this.links?.recycle(frame.payload.buffer);
  }

  dropBefore(rollbacks: number): void {
    this.mailbox.dropBefore(rollbacks);
  }

  lastFrom(rank: number): LastFrame | undefined {
    return this.mailbox.lastFrom(rank);
  }

  fail(error: unknown): void {
    this.mailbox.fail(error);
  }
}
