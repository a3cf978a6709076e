import { assert, type Clock } from '@millrace/core';
import type { BackendSpeed } from '../benchmark-backend';
import { ASSUMED_SPEED } from './dispatch-cost';

/** Windows resets a driver that is at one submission for 2 s, and a desktop stutters long before. */
const SUBMISSION_MS_MAX = 100;
/** Of measured by predicted time. */
const SLOWDOWN_MAX = 64;
/** How much a single measurement may raise it, and what part of the way down it takes. */
const GROWTH_MAX = 2;
const LEARNING = 0.3;
/** What takes less is too short to be measured beside a round trip. */
const LEARN_FROM_MS = 50;
const UNFINISHED_MAX = 1024;
const PARTS_MAX = 1024;

export interface SubmissionOptions {
  /** As measured; a slow GPU is assumed if not given. */
  readonly speed?: BackendSpeed;
  /** How long a submission may take by prediction. Not given: 100 ms on a GPU, any time on a software driver. */
  readonly msMax?: number;
}

interface PaceParts extends SubmissionOptions {
  readonly adapterClass: 'cpu' | 'gpu';
  readonly clock: Clock;
}

interface Submission {
  readonly serial: number;
  /** By the speed, uncorrected. */
  readonly costMs: number;
  readonly atMs: number;
}

/**
 * How much may go into one submission. Costs are predicted from the device's speed; how much longer submissions took
 * than predicted corrects what follows. It decides where work is cut, which no result depends on.
 */
export class SubmissionPace {
  readonly speed: BackendSpeed;
  /** Of a software driver, or where everything may be submitted at once. */
  readonly unbounded: boolean;
  private readonly msMax: number;
  private readonly clock: Clock;
  private slowdown = 1;
  private unfinished: Submission[] = [];
  private freeAtMs = -Infinity;

  constructor({ adapterClass, clock, speed = ASSUMED_SPEED, msMax }: PaceParts) {
    assert(speed.matmulGflops > 0 && speed.memoryGBps > 0, 'a device computes and moves something');
    this.speed = speed;
    this.clock = clock;
    this.msMax = msMax ?? (adapterClass === 'cpu' ? Infinity : SUBMISSION_MS_MAX);
    this.unbounded = this.msMax === Infinity;
  }

  /** Into how many parts work of this cost is to be cut so that each fits into a submission. */
  partCount(costMs: number): number {
    if (this.unbounded) return 1;
    return Math.min(PARTS_MAX, Math.max(1, Math.ceil((costMs * this.slowdown) / this.msMax)));
  }

  /** Whether work of this cost goes into a submission that holds as much as `openMs` already. */
  fits(costMs: number, openMs: number): boolean {
    return openMs === 0 || (openMs + costMs) * this.slowdown <= this.msMax;
  }

  submitted(serial: number, costMs: number): void {
    if (this.unbounded) return;
    if (this.unfinished.length === UNFINISHED_MAX) this.unfinished.shift();
    this.unfinished.push({ serial, costMs, atMs: this.clock.monotonicMs() });
  }

  /** All submissions up to `serial` are done; `justNow` unless they may have been for longer. */
  done(serial: number, justNow: boolean): void {
    if (this.unbounded) return;
    const nowMs = this.clock.monotonicMs();
    let startMs = this.freeAtMs;
    let costMs = 0;
    while (this.unfinished[0] !== undefined && this.unfinished[0].serial <= serial) {
      const { costMs: own, atMs } = this.unfinished.shift()!;
      // The device was idle until then: only what it did without a pause up to now tells how fast it is.
      if (atMs > startMs + costMs * this.slowdown) [startMs, costMs] = [atMs, 0];
      costMs += own;
    }
    this.freeAtMs = Math.max(this.freeAtMs, nowMs);
    if (justNow && costMs > 0 && nowMs - startMs >= LEARN_FROM_MS) this.learn((nowMs - startMs) / costMs);
  }

  private learn(ratio: number): void {
    const towards = ratio > this.slowdown ? ratio : this.slowdown + LEARNING * (ratio - this.slowdown);
    this.slowdown = Math.min(SLOWDOWN_MAX, this.slowdown * GROWTH_MAX, Math.max(1, towards));
  }
}
