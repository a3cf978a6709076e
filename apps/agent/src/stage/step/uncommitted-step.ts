import type { UpdateCounters } from '@millrace/model';
import type { Commit } from '../stage-ports';
import type { RankNorms } from './step-commit';

export interface UncommittedStepOptions {
  readonly step: number;
  /** The counters before it. */
  readonly before: UpdateCounters;
  readonly norms: Promise<RankNorms>;
  readonly agreed: Promise<Commit>;
  /** Called as soon as it is known that nothing of the next step will count. */
  readonly dropNext: () => void;
}

/**
 * A step that was updated before rank 0 decided on it.
 *
 *   updated ──> kept: the norm does not clip, and the next step goes on
 *           └─> next step dropped: the norm clips or is not finite, the run stops here, or this rank failed
 */
export class UncommittedStep {
  readonly step: number;
  readonly before: UpdateCounters;
  readonly norms: Promise<RankNorms>;
  /** Rejects with what kept this rank from hearing the decision. */
  readonly commit: Promise<Commit>;
  private dropped = false;

  constructor({ step, before, norms, agreed, dropNext }: UncommittedStepOptions) {
    this.step = step;
    this.before = before;
    this.norms = norms;
    const drop = (): void => {
      this.dropped = true;
      dropNext();
    };
    this.commit = agreed.then(
      (commit) => {
        if (commit.abort !== undefined || commit.stop || commit.clipCoefficient !== 1) drop();
        return commit;
      },
      (error: unknown) => {
        // The next step may wait for a peer that itself waits for this rank: that wait must end.
        drop();
        throw error;
      },
    );
    // The next step awaits this before its gradients, which may be long after it has failed: no rejection is unhandled.
    this.commit.catch(() => undefined);
  }

  /** Whether what the next step has begun must be dropped. */
  get isNextDropped(): boolean {
    return this.dropped;
  }
}
