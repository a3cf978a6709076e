import { countTargets, lossScaleOf } from '@millrace/model';
import type { StageMemory } from '../stage-memory';
import type { StagePlan } from '../stage-plan';
import type { DataSource } from '../stage-ports';
import type { StepCounters } from './step-counters';

export interface StepTokensOptions {
  readonly plan: StagePlan;
  readonly memory: StageMemory;
  readonly data: DataSource | undefined;
  readonly counters: StepCounters;
}

/**
 * Counts, at the head, the tokens of a step that have a target. The loss and its gradient are divided by this count, so
 * that a micro-batch weighs as much as it has tokens. It is known before the first I, which multiplies by loss scale /
 * tokens.
 */
export class StepTokens {
  private tokens: number | undefined;
  private written: number | undefined;

  constructor(private readonly options: StepTokensOptions) {}

  /** Undefined on every rank but the head's. */
  get count(): number | undefined {
    return this.tokens;
  }

  /** Must be called before the first action of `step`. */
  begin(step: number): void {
    const { plan, memory, data, counters } = this.options;
    const { head } = memory;
    const { lossScale } = head?.programs ?? {};
    if (head === undefined || lossScale === undefined || data === undefined) return;
    let tokens = 0;
    for (let microBatch = 0; microBatch < plan.microBatchCount; microBatch++) {
      tokens += countTargets(data.train(step, microBatch).targets);
    }
    this.tokens = tokens;
    const factor = lossScaleOf(counters.current) / tokens;
    if (factor !== this.written) memory.backend.write(head.tensor(lossScale.name), Float64Array.of(factor));
    this.written = factor;
  }
}
