import type { AttemptLinks } from './attempt-links';
import type { Frame, FrameKey } from './frame';
import type { DeliveredFrame } from './link/incoming-link';
import { Mailbox } from './mailbox';
import type { LastFrame, StageTransport } from './stage-transport';

/** The transport of an executor that runs on the thread of the sockets: links behind a mailbox. */
export class LinkTransport implements StageTransport {
  private readonly creditBytes = new Map<Frame, number>();
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

  send(toRank: number, frame: Frame): Promise<void> {
    return this.links === undefined ? Promise.resolve() : this.links.send(toRank, frame);
  }

  receive(key: FrameKey): Promise<Frame> {
    return this.mailbox.take(key);
  }

  release(frame: Frame): void {
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
