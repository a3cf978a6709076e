import { timingSafeEqual } from 'node:crypto';
import type { AppError, Clock, Logger } from '@millrace/core';
import { AttemptLinks, type AttemptLinksOptions } from './attempt-links';
import { fenceOld, streamRefused } from './data-plane.errors';
import type { FrameDialer, LinkLimits, StreamIdentity } from './link/frame-channel';
import type { IncomingLink } from './link/incoming-link';
import { MessageMemory } from './message-memory';

type Provided = 'dialer' | 'limits' | 'memory' | 'clock' | 'random' | 'logger';

export interface DataPlaneOptions {
  readonly dialer: FrameDialer;
  readonly limits: LinkLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Knows which attempts are live on this agent, and lets in only their streams. */
export class DataPlane {
  private readonly live = new Map<string, AttemptLinks>();
  /** The highest fence seen of each run, so that what comes late is told apart from what comes early. */
  private readonly fences = new Map<string, number>();
  /** Of all attempts: they seldom run at the same time. */
  private readonly memory = new MessageMemory();

  constructor(private readonly options: DataPlaneOptions) {}

  /** From now on streams of this (run, fence, key) are accepted; an older attempt of the run is closed. */
  open(options: Omit<AttemptLinksOptions, Provided>): AttemptLinks {
    this.live.get(options.runId)?.close('superseded');
    const links = new AttemptLinks({ ...options, ...this.options, memory: this.memory });
    this.live.set(options.runId, links);
    this.fences.set(options.runId, options.fence);
    return links;
  }

  close(links: AttemptLinks, reason: string): void {
    links.close(reason);
    const { runId, transient } = links.options;
    if (this.live.get(runId) !== links) return;
    this.live.delete(runId);
    if (transient === true) this.fences.delete(runId);
  }

  /** The link that a new stream feeds, or DATA_PLANE.FENCE_OLD, DATA_PLANE.STREAM_REFUSED (logged). */
  accept(identity: StreamIdentity): IncomingLink | AppError {
    const refusal = this.refusal(identity);
    if (refusal !== undefined) {
      const { runId, fence, fromRank } = identity;
      this.options.logger.warn({ runId, fence, fromRank }, `refused a stream: ${refusal.message}`);
      return refusal;
    }
    const links = this.live.get(identity.runId);
    return links === undefined ? streamRefused(identity.runId) : links.linkFrom(identity);
  }

  private refusal({ runId, fence, key, fromRank }: StreamIdentity): AppError | undefined {
    const links = this.live.get(runId);
    // Who has the key of the live attempt learns nothing new from its fence; nobody else learns anything.
    const known = this.fences.get(runId);
    if (known !== undefined && fence < known) return fenceOld(runId, fence, known);
    if (links === undefined || fence !== links.options.fence) return streamRefused(runId);
    if (!sameKey(key, links.options.key)) return streamRefused(runId);
    const isPeer = fromRank !== links.options.rank && links.options.peers.some(({ rank }) => rank === fromRank);
    return isPeer ? undefined : streamRefused(runId);
  }
}

/** In a time that does not depend on where the keys differ. */
function sameKey(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
