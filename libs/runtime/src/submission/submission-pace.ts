import { assert, type Clock } from '@millrace/core';
import type { BackendSpeed } from '../benchmark-backend';
import { ASSUMED_SPEED } from './dispatch-cost';

/** Windows resets a driver that works at one submission for 2 s, and a desktop stutters long before. */
const SUBMISSION_MS_MAX = 100;
/** The bound of measured divided by predicted time. */
const SLOWDOWN_MAX = 64;
/** By how much a single measurement may raise it, and by which part of the difference it comes down. */
const GROWTH_MAX = 2;
const LEARNING = 0.3;
/** A shorter submission cannot be told from the round trip. */
const LEARN_FROM_MS = 50;
const UNFINISHED_MAX = 1024;
const PARTS_MAX = 1024;

export interface SubmissionOptions {
  /** The measured speed; a slow GPU is assumed if it is not given. */
  readonly speed?: BackendSpeed;
  /** How long a submission may take by prediction; by default 100 ms on a GPU, and any time on a software driver. */
  readonly msMax?: number;
}

interface PaceParts extends SubmissionOptions {
  readonly adapterClass: 'cpu' | 'gpu';
  readonly clock: Clock;
}

interface Submission {
  readonly serial: number;
  /** Predicted from the speed, without the correction. */
  readonly costMs: number;
  readonly atMs: number;
}

/**
 * Decides how much may go into one submission. Costs are predicted from the device's speed, and corrected by how much
 * longer than predicted submissions have taken. It decides only where work is cut, on which no result depends.
 */
export class SubmissionPace {
  readonly speed: BackendSpeed;
  /** True for a software driver, or if everything may be submitted at once. */
  private readonly unbounded: boolean;
  private readonly msMax: number;
  private readonly clock: Clock;
  private slowdown = 1;
  private unfinished: Submission[] = [];
  /** When the device was done with everything that is known to be done: at this time, or by it at the latest. */
  private free = { atMs: -Infinity, isExact: true };

  constructor({ adapterClass, clock, speed = ASSUMED_SPEED, msMax }: PaceParts) {
    assert(speed.matmulGflops > 0 && speed.memoryGBps > 0, 'a device computes and moves something');
    this.speed = speed;
    this.clock = clock;
    this.msMax = msMax ?? (adapterClass === 'cpu' ? Infinity : SUBMISSION_MS_MAX);
    this.unbounded = this.msMax === Infinity;
  }

  /**
   * Into how many parts work of this cost must be cut so that each part fits into a submission. It is a power of two:
   * what is made for the parts of a launch serves again although the measured speed is never quite the same.
   */
  partCount(costMs: number): number {
    const partsMin = this.unbounded ? 1 : (costMs * this.slowdown) / this.msMax;
    return Math.min(PARTS_MAX, 2 ** Math.ceil(Math.log2(Math.max(1, partsMin))));
  }

  /** Whether work of this cost fits into a submission that already has `openMs`. */
  fits(costMs: number, openMs: number): boolean {
    return openMs === 0 || (openMs + costMs) * this.slowdown <= this.msMax;
  }

  submitted(serial: number, costMs: number): void {
    if (this.unbounded) return;
    if (this.unfinished.length === UNFINISHED_MAX) this.unfinished.shift();
    this.unfinished.push({ serial, costMs, atMs: this.clock.monotonicMs() });
  }

  /** All submissions up to `serial` are done; `justNow` is false if they may have been done for some time already. */
  done(serial: number, justNow: boolean): void {
    if (this.unbounded) return;
    // An earlier wait may have found them done already.
    if (this.unfinished[0] === undefined || this.unfinished[0].serial > serial) return;
    const nowMs = this.clock.monotonicMs();
    let { atMs: startMs, isExact: startKnown } = this.free;
    let costMs = 0;
    while (this.unfinished[0] !== undefined && this.unfinished[0].serial <= serial) {
      const { costMs: own, atMs } = this.unfinished.shift()!;
      // The device was idle until then: only what it has done without a pause up to now tells how fast it is.
      if (atMs > startMs + costMs * this.slowdown) [startMs, startKnown, costMs] = [atMs, true, 0];
      costMs += own;
    }
    this.free = { atMs: nowMs, isExact: justNow };
    // What began while a wait was late has taken longer than from the end of that wait.
    if (justNow && startKnown && costMs > 0 && nowMs - startMs >= LEARN_FROM_MS) this.learn((nowMs - startMs) / costMs);
  }

  private learn(ratio: number): void {
    const towards = ratio > this.slowdown ? ratio : this.slowdown + LEARNING * (ratio - this.slowdown);
    this.slowdown = Math.min(SLOWDOWN_MAX, this.slowdown * GROWTH_MAX, Math.max(1, towards));
  }
}
