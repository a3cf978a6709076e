import type { Commit } from '../stage-ports';
import type { RankNorms } from './step-commit';

export interface UncommittedStepOptions {
  readonly step: number;
  readonly norms: Promise<RankNorms>;
  readonly agreed: Promise<Commit>;
  /** Called as soon as it is known that nothing of the next step will survive. */
  readonly dropNext: () => void;
}

/**
 * A step that was updated before rank 0's word on it.
 *
 *   updated ──> kept: the norm does not clip, the next step goes on
 *           └─> next step dropped: it clips, is not finite, the run stops here, or this rank failed
 */
export class UncommittedStep {
  readonly step: number;
  readonly norms: Promise<RankNorms>;
  /** Rejects with what kept this rank from hearing of it. */
  readonly commit: Promise<Commit>;
  private dropped = false;

  constructor({ step, norms, agreed, dropNext }: UncommittedStepOptions) {
    this.step = step;
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
        // The next step may wait for a peer that waits for this rank: it must not wait on.
        drop();
        throw error;
      },
    );
    // Awaited at the latest before the next step's gradients, perhaps later than it fails.
    this.commit.catch(() => undefined);
  }

  /** What the next step has begun is dropped. */
  get isNextDropped(): boolean {
    return this.dropped;
  }
}
