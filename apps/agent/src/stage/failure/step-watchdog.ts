import { stepDeadlineMs } from '@millrace/contracts/plain';
import { type Clock, deadline } from '@millrace/core';
import { stepTimedOut } from '../stage.errors';
import type { AttemptFailure } from './attempt-failure';

export interface StepWatchdogOptions {
  readonly rank: number;
  /** How long the planner expects a step to take; undefined where it does not know. */
  readonly expectedStepMs: number | undefined;
  readonly clock: Clock;
  readonly failure: AttemptFailure;
}

/** Why a rank waits for another one: it needs a tensor of that rank, or that rank has yet to take one. */
export interface PeerWait {
  readonly forRank: number;
  /** The action that cannot go on, such as "1RECV_F2". */
  readonly what: string;
}

/**
 * A rank that waits for another one gives it this many deadlines: the rank that stands still should report it first.
 */
const DEADLINES_FOR_PEER = 3;
const NEW_SHARE = 0.2;

/**
 * Ends the attempt as `timed_out` when a step takes many times as long as it should (`stepDeadlineMs`). What this rank
 * waits for decides who is blamed: another rank whose tensor does not come, or this rank's own device. Time in which
 * the API makes the rank wait, because it takes no points or stores a checkpoint, does not count: the agent's grace
 * period bounds that.
 */
export class StepWatchdog {
  private usualMs: number | undefined;
  private startMs = 0;
  private step = 0;
  private pauseCount = 0;
  /** When each pending readback of the own device was asked for; oldest first. */
  private readonly deviceWaits = new Map<symbol, number>();
  /** The step also evaluated, so that its duration says nothing about the next step. */
  private evaluates = false;
  /** The waits for other ranks, oldest first. */
  private readonly waiting = new Set<PeerWait>();
  private cancel: () => void = () => undefined;

  constructor(private readonly options: StepWatchdogOptions) {
    this.usualMs = options.expectedStepMs;
  }

  begin(step: number): void {
    const { clock } = this.options;
    const nowMs = clock.monotonicMs();
    if (this.step > 0 && !this.evaluates) {
      const tookMs = nowMs - this.startMs;
      this.usualMs = this.usualMs === undefined ? tookMs : this.usualMs * (1 - NEW_SHARE) + tookMs * NEW_SHARE;
    }
    this.step = step;
    this.startMs = nowMs;
    this.evaluates = false;
    this.arm(1);
  }

  /**
   * Called after each micro-batch of an evaluation: there may be any number of them, so that each has its own deadline.
   */
  evaluated(): void {
    this.evaluates = true;
    this.arm(1);
  }

  end(): void {
    this.cancel();
  }

  /** A step does not time out while this call waits for the API or for a peer's upload, which something else bounds. */
  async pauseFor<T>(work: Promise<T>): Promise<T> {
    this.pauseCount++;
    try {
      return await work;
    } finally {
      this.pauseCount--;
    }
  }

  /** Runs a wait for the own device. While it lasts, no other rank is to blame. */
  async device<T>(work: Promise<T>): Promise<T> {
    const key = Symbol('device');
    this.deviceWaits.set(key, this.options.clock.monotonicMs());
    try {
      return await work;
    } finally {
      this.deviceWaits.delete(key);
    }
  }

  /** Called when a wait for another rank begins; the returned function ends it. */
  waits(wait: PeerWait): () => void {
    this.waiting.add(wait);
    return () => void this.waiting.delete(wait);
  }

  private arm(deadlines: number): void {
    this.cancel();
    const deadlineMs = stepDeadlineMs({ expectedMs: this.options.expectedStepMs, usualMs: this.usualMs });
    this.cancel = deadline(this.options.clock, deadlineMs, () => this.expire(deadlines, deadlineMs)).cancel;
  }

  private expire(deadlines: number, deadlineMs: number): void {
    const { step } = this;
    const { clock, failure, rank } = this.options;
    const [askedMs] = this.deviceWaits.values();
    const deviceHangs = askedMs !== undefined && clock.monotonicMs() - askedMs >= deadlineMs;
    if (!deviceHangs && this.pauseCount > 0) return this.arm(1);
    const [wait] = deviceHangs ? [] : this.waiting;
    if (wait !== undefined && deadlines < DEADLINES_FOR_PEER) return this.arm(deadlines + 1);
    const tookMs = clock.monotonicMs() - this.startMs;
    failure.raise(stepTimedOut({ step, tookMs, expectedMs: this.usualMs, rank, ...(wait && { wait }) }));
  }
}
