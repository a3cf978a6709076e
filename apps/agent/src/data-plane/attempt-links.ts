import type { AppError, Clock, Logger } from '@millrace/core';
import { attemptOver } from './data-plane.errors';
import type { FrameBounds, TensorFrame } from './frame';
import type { FrameDialer, LinkLimits, LinkTarget, StreamIdentity } from './link/frame-channel';
import { type DeliveredFrame, IncomingLink } from './link/incoming-link';
import type { LinkCredential } from './link/link-credential';
import { type MeasuredLink, measureLink } from './link/measure-link';
import { OutgoingLink } from './link/outgoing-link';
import type { MessageMemory } from './message-memory';

export interface LinkPeer {
  readonly rank: number;
  readonly address: string;
}

export interface AttemptLinksOptions {
  /** The id of the run, or of the task of a generation. */
  readonly runId: string;
  readonly fence: number;
  readonly key: string;
  readonly rank: number;
  readonly peers: readonly LinkPeer[];
  readonly dialer: FrameDialer;
  readonly limits: LinkLimits;
  readonly memory: MessageMemory;
  /** How large the frames that peers send may be. */
  readonly bounds: FrameBounds;
  /** Needed if a peer is on another machine. */
  readonly credential?: LinkCredential | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly firstAcceptMs: number;
  readonly lostAfterMs: number;
  /** No later attempt uses this id (it is a generation's), so that it need not be remembered once it is closed. */
  readonly transient?: boolean;
  /** Receives a frame. The receiver calls `taken` with it when its memory is free again. */
  onFrame(delivered: DeliveredFrame): void;
  onPeerDead(rank: number, error: AppError): void;
}

/** All links of one rank of an attempt: one per direction and peer, opened when first used. */
export class AttemptLinks {
  private readonly outgoing = new Map<number, OutgoingLink>();
  private readonly incoming = new Map<number, IncomingLink>();
  private closed: Error | undefined;

  constructor(readonly options: AttemptLinksOptions) {}

  send(toRank: number, frame: TensorFrame): Promise<void> {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    return this.linkTo(toRank).send(frame);
  }

  taken(fromRank: number, creditBytes: number): void {
    this.incoming.get(fromRank)?.release(creditBytes);
  }

  /** Gives back the memory of a payload that nobody reads any more, for the next ones of this attempt. */
  recycle(buffer: ArrayBuffer): void {
    if (this.closed === undefined) this.options.memory.give(buffer);
  }

  /** The receiving end for a stream whose identity was checked. */
  linkFrom(identity: StreamIdentity): IncomingLink {
    const { onFrame } = this.options;
    let link = this.incoming.get(identity.fromRank);
    if (link === undefined) {
      link = new IncomingLink(identity, this.options, onFrame);
      this.incoming.set(identity.fromRank, link);
    }
    return link;
  }

  /** Resolves when every peer has taken everything. */
  async drain(): Promise<void> {
    await Promise.all([...this.outgoing.values()].map((link) => link.drain()));
  }

  /** Measures a link; undefined when the peer cannot be reached in time, or when the attempt is over. */
  async measure(toRank: number): Promise<MeasuredLink | undefined> {
    const { runId, fence, key, rank, dialer, clock } = this.options;
    const identity = { runId, fence, key, fromRank: rank };
    const probe = (byteCount: number): Promise<void> =>
      this.closed === undefined ? dialer.probe(this.target(toRank), identity, byteCount) : Promise.reject(this.closed);
    return measureLink(probe, clock);
  }

  close(reason: string): void {
    if (this.closed !== undefined) return;
    const error = attemptOver(reason);
    this.closed = error;
    for (const link of this.outgoing.values()) link.close(error);
    for (const link of this.incoming.values()) link.close();
  }

  private linkTo(toRank: number): OutgoingLink {
    let link = this.outgoing.get(toRank);
    if (link === undefined) {
      link = this.openLink(toRank);
      this.outgoing.set(toRank, link);
    }
    return link;
  }

  private openLink(toRank: number): OutgoingLink {
    const { runId, fence, key, rank, onPeerDead, dialer, limits, clock, random, logger } = this.options;
    const { firstAcceptMs, lostAfterMs } = this.options;
    return new OutgoingLink({
      dialer,
      limits,
      clock,
      random,
      logger,
      firstAcceptMs,
      lostAfterMs,
      target: this.target(toRank),
      identity: { runId, fence, key, fromRank: rank },
      onDead: (error) => onPeerDead(toRank, error),
    });
  }

  private target(rank: number): LinkTarget {
    const { peers, credential } = this.options;
    return { rank, address: peers.find((peer) => peer.rank === rank)?.address ?? '', credential };
  }
}
