import { timingSafeEqual } from 'node:crypto';
import type { AppError, Clock, Logger } from '@millrace/core';
import { AttemptLinks, type AttemptLinksOptions } from './attempt-links';
import { fenceOld, streamRefused } from './data-plane.errors';
import type { FrameDialer, LinkLimits, StreamIdentity } from './link/frame-channel';
import { type LinkCredential, serverNameOf } from './link/link-credential';
import type { IncomingLink } from './link/incoming-link';
import { MessageMemory } from './message-memory';
import { RefusalLog } from './refusal-log';

/** The attempts of so many runs are remembered when they are over. Calls for older ones are refused like strangers'. */
const PAST_RUNS_MAX = 100;
const PAST_ATTEMPTS_MAX = 8;

type Provided = 'dialer' | 'limits' | 'memory' | 'clock' | 'random' | 'logger';

export interface DataPlaneOptions {
  readonly dialer: FrameDialer;
  readonly limits: LinkLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Knows which attempts are live on this agent, and accepts only their streams. */
export class DataPlane {
  private readonly live = new Map<string, AttemptLinks>();
  /** The fences, with their keys, of each run that ran here recently: a peer whose attempt is over is told so. */
  private readonly past = new Map<string, readonly PastAttempt[]>();
  private readonly refusals: RefusalLog;

  constructor(
    private readonly options: DataPlaneOptions,
    /** All attempts share it: they seldom run at the same time. */
    private readonly memory = new MessageMemory(),
  ) {
    this.refusals = new RefusalLog(options.clock, options.logger);
  }

  /** Accepts streams of this (run, fence, key) from now on, and closes an older attempt of the run. */
  open(options: Omit<AttemptLinksOptions, Provided>): AttemptLinks {
    this.live.get(options.runId)?.close('superseded');
    const links = new AttemptLinks({ ...options, ...this.options, memory: this.memory });
    this.live.set(options.runId, links);
    if (options.transient !== true) this.remember(options);
    return links;
  }

  close(links: AttemptLinks, reason: string): void {
    links.close(reason);
    const { runId } = links.options;
    if (this.live.get(runId) === links) this.live.delete(runId);
    // An idle agent keeps nothing for messages that may never come.
    if (this.live.size === 0) this.memory.clear();
  }

  /**
   * Returns the link that a new stream feeds, or an error, which is logged: DATA_PLANE.FENCE_OLD or
   * DATA_PLANE.STREAM_REFUSED.
   */
  accept(identity: StreamIdentity): IncomingLink | AppError {
    const refusal = this.refusal(identity);
    if (refusal !== undefined) {
      const { fence, fromRank } = identity;
      this.refusals.warn(`refused a stream of fence ${fence} and rank ${fromRank}: ${refusal.message}`);
      return refusal;
    }
    const links = this.live.get(identity.runId);
    return links === undefined ? streamRefused(identity.runId) : links.linkFrom(identity);
  }

  /** The attempt that a caller means by a server name; undefined for a stranger's name. */
  secured(serverName: string): SecuredAttempt | undefined {
    for (const { options } of this.live.values()) {
      const { runId, fence, key, credential } = options;
      if (credential !== undefined && serverNameOf(key) === serverName) return { runId, fence, credential };
    }
    for (const [runId, attempts] of this.past) {
      for (const { fence, serverName: name, credential } of attempts)
        if (credential !== undefined && name === serverName) return { runId, fence, credential };
    }
    return undefined;
  }

  private remember({ runId, fence, key, credential }: AttemptIdentity): void {
    const attempt = { fence, key, credential, serverName: serverNameOf(key) };
    const attempts = [...(this.past.get(runId) ?? []), attempt].slice(-PAST_ATTEMPTS_MAX);
    this.past.delete(runId);
    this.past.set(runId, attempts);
    const [oldest] = this.past.keys();
    if (this.past.size > PAST_RUNS_MAX && oldest !== undefined) this.past.delete(oldest);
  }

  private refusal({ runId, fence, key, fromRank }: StreamIdentity): AppError | undefined {
    const links = this.live.get(runId);
    // A caller with the key of an attempt may learn that it is over; nobody else learns anything about a run's fences.
    const past = this.past.get(runId)?.find((attempt) => attempt.fence === fence);
    const newest = this.past.get(runId)?.at(-1)?.fence ?? fence;
    if (past !== undefined && fence < newest && sameKey(key, past.key)) return fenceOld(runId, fence);
    if (links === undefined || fence !== links.options.fence) return streamRefused(runId);
    if (!sameKey(key, links.options.key)) return streamRefused(runId);
    const isPeer = fromRank !== links.options.rank && links.options.peers.some(({ rank }) => rank === fromRank);
    return isPeer ? undefined : streamRefused(runId);
  }
}

/** An attempt that callers reach over TLS. */
export interface SecuredAttempt {
  readonly runId: string;
  readonly fence: number;
  readonly credential: LinkCredential;
}

type AttemptIdentity = Pick<AttemptLinksOptions, 'runId' | 'fence' | 'key' | 'credential'>;

interface PastAttempt extends Omit<AttemptIdentity, 'runId'> {
  readonly serverName: string;
}

/** Compares in a time that does not tell where the keys differ. */
function sameKey(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
