import type { WaitCause } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import { type Edge, type TensorFrame, type FrameKey, frameKeyText } from '../../data-plane/frame';
import type { StageTransport } from '../../data-plane/stage-transport';
import type { StageReporter } from '../stage-ports';
import type { StepWatchdog } from '../failure/step-watchdog';
import type { WorkTimeline } from '../work-timeline';

/** A wait is reported when it has lasted this many times as long as usual, and never before REPORT_MS_MIN. */
const REPORT_FACTOR = 5;
const REPORT_MS_MIN = 5000;
const NEW_SHARE = 0.2;

const CAUSE_OF_EDGE: Readonly<Record<Edge, WaitCause>> = {
  activation: 'input',
  gradient: 'gradient',
  tied: 'tied',
  norm: 'commit',
  commit: 'commit',
  account: 'commit',
  token: 'input',
  evaluation: 'evaluation',
};

export interface PendingTensor {
  readonly key: FrameKey;
  readonly arrival: Promise<TensorFrame>;
  /** The rank computes during this wait, so that it does not count as waiting. */
  readonly isOverlapped?: boolean;
}

export interface PatientWaitOptions {
  readonly rank: number;
  readonly transport: StageTransport;
  readonly clock: Clock;
  readonly timeline: WorkTimeline;
  readonly reporter: StageReporter;
  readonly watchdog: StepWatchdog;
}

/** Waits for frames. A wait that takes much longer than usual is reported: who waits for whom, and what came last. */
export class PatientWait {
  private readonly usualMs = new Map<string, number>();

  constructor(private readonly options: PatientWaitOptions) {}

  /** `what` is the action that waits, for instance "1RECV_F2". */
  async for({ key, arrival, isOverlapped = false }: PendingTensor, what: string): Promise<TensorFrame> {
    const { clock, timeline, watchdog } = this.options;
    const startMs = clock.monotonicMs();
    const cancel = this.watch(what, key, startMs);
    const arrived = watchdog.waits({ forRank: key.fromRank, what });
    const waited = isOverlapped ? undefined : timeline.beginSpan(`wait:${what}`, `wait-${CAUSE_OF_EDGE[key.edge]}`);
    try {
      return await arrival;
    } finally {
      cancel();
      arrived();
      waited?.();
      const endMs = clock.monotonicMs();
      const usualMs = this.usualMs.get(key.edge) ?? endMs - startMs;
      this.usualMs.set(key.edge, usualMs * (1 - NEW_SHARE) + (endMs - startMs) * NEW_SHARE);
    }
  }

  /** Reports once, then again each time the wait has doubled. */
  private watch(what: string, key: FrameKey, startMs: number): () => void {
    const { clock } = this.options;
    const limitMs = Math.max(REPORT_MS_MIN, REPORT_FACTOR * (this.usualMs.get(key.edge) ?? 0));
    let cancel: () => void = () => undefined;
    const arm = (delayMs: number): void => {
      cancel = clock.after(delayMs, () => {
        this.report(what, key, clock.monotonicMs() - startMs);
        arm(delayMs * 2);
      });
    };
    arm(limitMs);
    return () => cancel();
  }

  private report(what: string, key: FrameKey, waitedMs: number): void {
    const { rank, transport, clock, reporter } = this.options;
    const newest = transport.lastFrom(key.fromRank);
    const last = newest && { frame: frameKeyText(newest.key), ageMs: clock.now() - newest.atMs };
    reporter.waiting({ action: what, forRank: key.fromRank, waitedMs, last });
    const did =
      last === undefined
        ? `nothing came from rank ${key.fromRank} yet`
        : `the last thing from rank ${key.fromRank} was ${last.frame}, ${seconds(last.ageMs)} ago`;
    reporter.log(
      'warn',
      `rank ${rank} has waited ${seconds(waitedMs)} for rank ${key.fromRank} at ${what} (${frameKeyText(key)}); ${did}`,
    );
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
